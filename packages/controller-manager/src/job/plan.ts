import {
  isPodActive,
  isPodReady,
  isPodTerminal,
  isTerminating,
  type Job,
  type JobCondition,
  type JobStatus,
} from '@kubelab/api';
import { byCreation, type Seen, timeMs } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

export type SeenJob = Seen<Job>;

/** Keeps a finished pod until it is counted (JOB-1). */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
export const INDEX = 'batch.kubernetes.io/job-completion-index';

export interface Counted {
  readonly succeeded: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
}

export interface JobPlan {
  /** Completion indexes of the pods to make; undefined entries for jobs without indexes. */
  readonly create: readonly (number | undefined)[];
  readonly remove: readonly SeenPod[];
  /** Finished pods whose finalizer may go once `status` is written. */
  readonly release: readonly SeenPod[];
  readonly status: JobStatus;
  readonly requeueAfterMs?: number;
  readonly finished?: Pick<JobCondition, 'type' | 'reason' | 'message'>;
}

const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;

export function isFinished(job: SeenJob): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

export function isIndexed(job: SeenJob): boolean {
  return job.spec.completionMode === 'Indexed';
}

export function indexOf(pod: SeenPod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/**
 * What a Job needs next. Finished pods are counted in two steps, so that none is counted twice and none is
 * lost: their uids are
 * listed in `uncountedTerminatedPods`, then their finalizers go, then they leave the list. The counters
 * include the listed (JOB-1).
 */
export function planJob(job: SeenJob, pods: readonly SeenPod[], nowMs: number, nowText: string): JobPlan {
  const counts = countFinished(job, pods);
  const active = pods.filter(isPodActive);
  const indexes = isIndexed(job) ? completedIndexes(job, pods) : undefined;
  const succeeded = indexes === undefined ? counts.succeededTotal : indexes.size;
  const isSuspended = job.spec.suspend === true;
  const startTime = isSuspended ? undefined : (job.status?.startTime ?? nowText);
  const finished = isFinished(job)
    ? undefined
    : verdict(job, pods, { ...counts, succeeded, active: active.length, startTime, nowMs });
  const isOver = isFinished(job) || finished !== undefined;

  const wanted =
    isOver || isSuspended || job.metadata.deletionTimestamp !== undefined
      ? 0
      : wantedActive(job, succeeded, active.length);
  const backoffMs = wanted > active.length ? msUntilRetry(pods, nowMs) : 0;
  const create =
    wanted > active.length && backoffMs === 0 ? newIndexes(job, active, indexes, wanted - active.length) : [];
  // A suspended or finished job gives up its pods, as does one that was told to run fewer at once.
  const remove =
    active.length > wanted
      ? active.toSorted((a, b) => rank(a) - rank(b) || byCreation(b, a)).slice(0, active.length - wanted)
      : [];
  const deadlineMs = msUntilDeadline(job, startTime, nowMs);
  const waits = [
    ...(backoffMs > 0 ? [backoffMs] : []),
    ...(isOver || deadlineMs === undefined ? [] : [deadlineMs]),
  ];
  const going = pods.filter((pod) => isTerminating(pod) && !isPodTerminal(pod)).length;
  return {
    create,
    remove,
    release: counts.release,
    status: {
      ...(startTime === undefined ? {} : { startTime }),
      ...(job.status?.completionTime === undefined ? {} : { completionTime: job.status.completionTime }),
      ...nonZero({
        active: active.length - remove.length + create.length,
        ready: active.filter(isPodReady).length,
      }),
      ...nonZero({ succeeded, failed: counts.failedTotal, terminating: going }),
      ...(indexes === undefined || indexes.size === 0 ? {} : { completedIndexes: rangesText(indexes) }),
      uncountedTerminatedPods: counts.uncounted,
      conditions: (job.status?.conditions ?? []).map((condition) => ({ ...condition })),
    },
    ...(finished === undefined ? {} : { finished }),
    ...(waits.length === 0 ? {} : { requeueAfterMs: Math.max(1, Math.min(...waits)) }),
  };
}

/** Counters, plus what of the finished pods is not in them yet. */
function countFinished(job: SeenJob, pods: readonly SeenPod[]) {
  const listed = job.status?.uncountedTerminatedPods ?? {};
  const byUid = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  const isReleased = (uid: string) => byUid.get(uid)?.metadata.finalizers?.includes(TRACKING) !== true;
  const waiting = (uids: readonly string[] | undefined) => (uids ?? []).filter((uid) => !isReleased(uid));
  const moved = (uids: readonly string[] | undefined) => (uids ?? []).filter(isReleased).length;
  const succeeded = new Set(waiting(listed.succeeded));
  const failed = new Set(waiting(listed.failed));
  const release: SeenPod[] = [];
  for (const pod of pods) {
    const isTracked = pod.metadata.finalizers?.includes(TRACKING) === true;
    if (!isTracked || !(isPodTerminal(pod) || isTerminating(pod))) continue;
    release.push(pod);
    if (pod.status?.phase === 'Succeeded') succeeded.add(pod.metadata.uid);
    // A pod deleted before it ended has failed as far as the job is concerned; those the job itself gave up
    // have not.
    else if (pod.status?.phase === 'Failed' || !(job.spec.suspend === true || isFinished(job)))
      failed.add(pod.metadata.uid);
  }
  const base = isIndexed(job) ? 0 : (job.status?.succeeded ?? 0) - (listed.succeeded?.length ?? 0);
  const failedBase = (job.status?.failed ?? 0) - (listed.failed?.length ?? 0);
  return {
    release,
    uncounted: { ...list('succeeded', succeeded), ...list('failed', failed) },
    succeededTotal: Math.max(0, base) + moved(listed.succeeded) + succeeded.size,
    failedTotal: Math.max(0, failedBase) + moved(listed.failed) + failed.size,
  };
}

function list(name: 'succeeded' | 'failed', uids: ReadonlySet<string>) {
  return uids.size === 0 ? {} : { [name]: [...uids].sort((a, b) => (a < b ? -1 : 1)) };
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

/** `0,2-4` → the set of indexes. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',').filter((entry) => entry !== '')) {
    const [from = 0, to = from] = part.split('-').map(Number);
    for (let index = from; index <= to; index++) indexes.add(index);
  }
  return indexes;
}

/** The set of indexes as `0,2-4`. */
export function rangesText(indexes: ReadonlySet<number>): string {
  const parts: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    let last = i;
    while (sorted[last + 1] === (sorted[last] ?? 0) + 1) last++;
    parts.push(last === i ? `${sorted[i]}` : `${sorted[i]}-${sorted[last]}`);
    i = last + 1;
  }
  return parts.join(',');
}

function completedIndexes(job: SeenJob, pods: readonly SeenPod[]): Set<number> {
  const indexes = parseIndexes(job.status?.completedIndexes);
  for (const pod of pods) {
    const index = indexOf(pod);
    if (pod.status?.phase === 'Succeeded' && index !== undefined && index < (job.spec.completions ?? 0))
      indexes.add(index);
  }
  return indexes;
}

interface Progress {
  readonly succeeded: number;
  readonly failedTotal: number;
  readonly active: number;
  readonly startTime: string | undefined;
  readonly nowMs: number;
}

function verdict(job: SeenJob, pods: readonly SeenPod[], progress: Progress): JobPlan['finished'] {
  const { completions, backoffLimit = 6 } = job.spec;
  const restarts = job.spec.template.spec.restartPolicy === 'OnFailure' ? totalRestarts(pods) : 0;
  if (progress.failedTotal > backoffLimit || (restarts > 0 && restarts >= Math.max(1, backoffLimit))) {
    return {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  }
  const deadlineMs = msUntilDeadline(job, progress.startTime, progress.nowMs);
  if (deadlineMs !== undefined && deadlineMs <= 0) {
    return {
      type: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    };
  }
  const isComplete =
    completions === undefined
      ? progress.succeeded > 0 && progress.active === 0
      : progress.succeeded >= completions;
  if (!isComplete || job.spec.suspend === true) return undefined;
  return {
    type: 'Complete',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
}

function totalRestarts(pods: readonly SeenPod[]): number {
  return pods
    .flatMap((pod) => [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? []),
    ])
    .reduce((total, { restartCount }) => total + restartCount, 0);
}

function msUntilDeadline(job: SeenJob, startTime: string | undefined, nowMs: number): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  return seconds === undefined || startTime === undefined
    ? undefined
    : timeMs(startTime) + seconds * 1000 - nowMs;
}

function wantedActive(job: SeenJob, succeeded: number, active: number): number {
  const { parallelism = 1, completions } = job.spec;
  // Without a number of completions the first success means: start no more, let the others end.
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** 10 s after the first failure, twice as long after each further one in a row, at most ten minutes. */
function msUntilRetry(pods: readonly SeenPod[], nowMs: number): number {
  const ended = pods
    .filter(isPodTerminal)
    .map((pod) => ({ atMs: finishedMs(pod), isFailed: pod.status?.phase === 'Failed' }));
  const lastSuccessMs = Math.max(0, ...ended.filter(({ isFailed }) => !isFailed).map(({ atMs }) => atMs));
  const failures = ended.filter(({ isFailed, atMs }) => isFailed && atMs > lastSuccessMs);
  if (failures.length === 0) return 0;
  const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures.length - 1));
  return Math.max(0, Math.max(...failures.map(({ atMs }) => atMs)) + waitMs - nowMs);
}

function finishedMs(pod: SeenPod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    timeMs(state?.terminated?.finishedAt),
  );
  return Math.max(timeMs(pod.metadata.creationTimestamp), ...ends);
}

function newIndexes(
  job: SeenJob,
  active: readonly SeenPod[],
  completed: ReadonlySet<number> | undefined,
  count: number,
): (number | undefined)[] {
  if (completed === undefined) return Array.from({ length: count }, () => undefined);
  const taken = new Set([...completed, ...active.map(indexOf)]);
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index++) {
    if (!taken.has(index)) free.push(index);
  }
  return free;
}

/** Pods that have done least go first. */
function rank(pod: SeenPod): number {
  return Number((pod.spec.nodeName ?? '') !== '') + Number(isPodReady(pod));
}
