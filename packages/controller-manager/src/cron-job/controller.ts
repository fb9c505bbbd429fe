/**
 * CronJob controller — starts a Job at each time of a schedule.
 * Reads: cronjobs, jobs (cache).  Writes: jobs, cronjobs/status.
 * Invariants
 *   CRJ-1  one schedule time is served at most once: the Job's name follows from it
 *   CRJ-2  with Forbid at most one Job runs
 *   CRJ-3  of any number of missed times only the latest is served
 */
import { CronJob, type CronJobStatus, isStatus, Job, semanticEqual } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import { errorMessage, rfc3339 } from '@kubelab/component-base';
import { compareText, type Seen, timeMs } from '../shared/objects.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { enqueueSelf, onOwned } from '../shared/watching.ts';
import { deleteSeen } from '../shared/writes.ts';
import { type CronPlan, endOf, isActive, jobFor, planCronJob, type SeenCronJob } from './plan.ts';

/** A timer may be set that far ahead; then one looks again. */
const WAIT_MAX_MS = 3_600_000;

export function cronJobController({ client, informers, events, clock }: ControllerDeps): ControllerSpec {
  const crons = informers.of(CronJob);
  const jobs = informers.of(Job);

  return {
    name: 'cronjob',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(crons, enqueue);
      onOwned(jobs, crons, CronJob, enqueue);
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cron = crons.get(key);
    if (cron === undefined) return done;
    const own = jobs.ownedBy(cron.metadata.uid);
    const plan = tryPlan(cron, own);
    if (plan === undefined) return done;
    if (plan.event !== undefined) tell(cron, 'Warning', plan.event.reason, plan.event.message);
    await allOrThrow([...plan.replace, ...plan.forget].map((job) => removeJob(cron, job)));
    const started = plan.dueMs === undefined ? undefined : await startJob(cron, plan.dueMs);
    await writeStatus(cron, own, plan, started);
    if (plan.nextMs === undefined) return done;
    return { requeueAfterMs: Math.max(1, Math.min(WAIT_MAX_MS, plan.nextMs - clock.now())) };
  }

  /** A schedule that cannot be read is told once a change; trying again would not make it better. */
  function tryPlan(cron: SeenCronJob, own: readonly Seen<Job>[]): CronPlan | undefined {
    try {
      return planCronJob(cron, own, clock.now());
    } catch (error) {
      tell(
        cron,
        'Warning',
        'UnparseableSchedule',
        `unparseable schedule "${cron.spec.schedule}": ${errorMessage(error)}`,
      );
      return undefined;
    }
  }

  async function startJob(cron: SeenCronJob, dueMs: number): Promise<Job | undefined> {
    try {
      const job = await client.create(Job, jobFor(cron, dueMs)); // CRJ-1
      tell(cron, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isStatus(error, 'AlreadyExists') || isNamespaceTerminating(error)) return undefined;
      tell(cron, 'Warning', 'FailedCreate', `Error creating job: ${errorMessage(error)}`);
      throw error;
    }
  }

  async function removeJob(cron: SeenCronJob, job: Seen<Job>): Promise<void> {
    if (!(await deleteSeen(client, Job, job, { propagationPolicy: 'Background' }))) return;
    tell(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
  }

  async function writeStatus(
    cron: SeenCronJob,
    own: readonly Seen<Job>[],
    plan: CronPlan,
    started: Job | undefined,
  ): Promise<void> {
    const gone = new Set([...plan.replace, ...plan.forget].map(({ metadata }) => metadata.uid));
    const running = own.filter((job) => isActive(job) && !gone.has(job.metadata.uid));
    const active = [...running, ...(started === undefined ? [] : [started])]
      .map(({ metadata: { name, namespace, uid } }) => ({
        apiVersion: Job.apiVersion,
        kind: Job.kind,
        name,
        namespace,
        uid,
      }))
      .toSorted((a, b) => compareText(a.name, b.name));
    const successes = own
      .filter((job) => endOf(job) === 'Complete')
      .map((job) => timeMs(job.status?.completionTime));
    const lastSuccessMs = Math.max(timeMs(cron.status?.lastSuccessfulTime), ...successes);
    const lastScheduleTime = plan.dueMs === undefined ? cron.status?.lastScheduleTime : rfc3339(plan.dueMs);
    const status: CronJobStatus = {
      ...(active.length === 0 ? {} : { active }),
      ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
      ...(lastSuccessMs === 0 ? {} : { lastSuccessfulTime: rfc3339(lastSuccessMs) }),
    };
    if (semanticEqual(cron.status ?? {}, status)) return;
    await client.updateStatus(CronJob, { ...cron, status });
    tellEnded(cron, own);
  }

  /** Of the jobs that were active when the status was written last. */
  function tellEnded(cron: SeenCronJob, own: readonly Seen<Job>[]): void {
    for (const { uid, name = '' } of cron.status?.active ?? []) {
      const job = own.find(({ metadata }) => metadata.uid === uid);
      const end = job === undefined ? undefined : endOf(job);
      if (end === undefined) continue;
      tell(cron, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
    }
  }

  function tell(cron: SeenCronJob, type: 'Normal' | 'Warning', reason: string, message: string): void {
    events.event(
      { apiVersion: CronJob.apiVersion, kind: CronJob.kind, metadata: cron.metadata },
      type,
      reason,
      message,
    );
  }
}
