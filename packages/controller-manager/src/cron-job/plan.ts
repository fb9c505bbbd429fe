import { Cron } from 'croner';
import { CronJob, type Job, newControllerRef, type NewObject } from '@kubelab/api';
import { byCreation, copyOf, type Seen, timeMs } from '../shared/objects.ts';

export type SeenCronJob = Seen<CronJob>;
type SeenJob = Seen<Job>;

/** CRJ-3: a clock that jumped must not make us count schedule times for ever. */
const MISSED_TIMES_MAX = 100;
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronPlan {
  /** The schedule time that is due now. */
  readonly dueMs?: number;
  /** A `Replace` policy ends these first. */
  readonly replace: readonly SeenJob[];
  /** Ended jobs beyond the history limits. */
  readonly forget: readonly SeenJob[];
  readonly nextMs?: number;
  readonly event?: { readonly reason: string; readonly message: string };
}

export function isActive(job: SeenJob): boolean {
  return endOf(job) === undefined;
}

/** `Complete` or `Failed`; undefined while it runs. */
export function endOf(job: SeenJob): string | undefined {
  return (job.status?.conditions ?? []).find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )?.type;
}

/** Throws when the schedule or the time zone cannot be read. */
export function planCronJob(cron: SeenCronJob, jobs: readonly SeenJob[], nowMs: number): CronPlan {
  const forget = [
    ...beyond(jobs, 'Complete', cron.spec.successfulJobsHistoryLimit ?? 3),
    ...beyond(jobs, 'Failed', cron.spec.failedJobsHistoryLimit ?? 1),
  ];
  const none = { replace: [], forget };
  if (cron.spec.suspend === true || cron.metadata.deletionTimestamp !== undefined) return none;
  const schedule = new Cron(cron.spec.schedule, { timezone: cron.spec.timeZone ?? 'Etc/UTC', paused: true });
  const nextMs = schedule.nextRun(new Date(nowMs))?.getTime();
  const waiting = nextMs === undefined ? none : { ...none, nextMs };

  const { dueMs, missedCount } = lastMissed(cron, schedule, nowMs);
  if (dueMs === undefined) return waiting;
  const deadlineMs =
    cron.spec.startingDeadlineSeconds === undefined ? undefined : cron.spec.startingDeadlineSeconds * 1000;
  if (deadlineMs !== undefined && dueMs + deadlineMs < nowMs) {
    const message = `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString()}`;
    return { ...waiting, event: { reason: 'MissSchedule', message } };
  }
  const active = jobs.filter(isActive);
  if (active.some((job) => job.metadata.name === jobName(cron, dueMs))) return waiting;
  if (cron.spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { ...waiting, event: { reason: 'JobAlreadyActive', message } };
  }
  const replace = cron.spec.concurrencyPolicy === 'Replace' ? active : [];
  const tooMany = { reason: 'TooManyMissedTimes', message: `too many missed start times: ${missedCount}` };
  return { ...waiting, dueMs, replace, ...(missedCount > MISSED_TIMES_MAX ? { event: tooMany } : {}) };
}

/** The latest schedule time that has passed and was not served; earlier ones are let go. */
function lastMissed(
  cron: SeenCronJob,
  schedule: Cron,
  nowMs: number,
): { dueMs?: number; missedCount: number } {
  const lastMs = timeMs(cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp);
  const deadlineSeconds = cron.spec.startingDeadlineSeconds;
  const fromMs = deadlineSeconds === undefined ? lastMs : Math.max(lastMs, nowMs - deadlineSeconds * 1000);
  let dueMs: number | undefined;
  let missedCount = 0;
  for (
    let at = schedule.nextRun(new Date(fromMs));
    at !== null && at.getTime() <= nowMs;
    at = schedule.nextRun(at)
  ) {
    dueMs = at.getTime();
    if (++missedCount > MISSED_TIMES_MAX) return { dueMs: latestBefore(schedule, dueMs, nowMs), missedCount };
  }
  return dueMs === undefined ? { missedCount } : { dueMs, missedCount };
}

/** Looks back from now in growing steps instead of walking through all that was missed. */
function latestBefore(schedule: Cron, sinceMs: number, nowMs: number): number {
  for (let backMs = 60_000; nowMs - backMs > sinceMs; backMs *= 2) {
    let at = schedule.nextRun(new Date(nowMs - backMs));
    if (at === null || at.getTime() > nowMs) continue;
    let latest = at.getTime();
    for (let n = 0; n < MISSED_TIMES_MAX; n++) {
      at = schedule.nextRun(at);
      if (at === null || at.getTime() > nowMs) break;
      latest = at.getTime();
    }
    return latest;
  }
  return sinceMs;
}

/** CRJ-1: a job's name follows from its schedule time, so that one time is served once. */
export function jobName(cron: SeenCronJob, scheduledMs: number): string {
  return `${cron.metadata.name}-${Math.floor(scheduledMs / 60_000)}`;
}

export function jobFor(cron: SeenCronJob, scheduledMs: number): NewObject<Job> {
  const { metadata, spec } = copyOf<CronJob['spec']['jobTemplate']>(cron.spec.jobTemplate);
  const annotations = {
    ...metadata?.annotations,
    [SCHEDULED_AT]: new Date(scheduledMs).toISOString().replace('.000Z', 'Z'),
  };
  return {
    metadata: {
      ...metadata,
      name: jobName(cron, scheduledMs),
      namespace: cron.metadata.namespace,
      annotations,
      ownerReferences: [newControllerRef(cron, CronJob)],
    },
    spec,
  };
}

function beyond(jobs: readonly SeenJob[], end: string, limit: number): SeenJob[] {
  const ended = jobs.filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined);
  return ended.toSorted(byCreation).slice(0, Math.max(0, ended.length - limit));
}
