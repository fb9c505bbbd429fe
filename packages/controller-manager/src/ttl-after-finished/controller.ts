/**
 * TTL-after-finished controller — deletes Jobs some time after they have ended, with their pods.
 * Reads: jobs (cache; live before the deletion).  Writes: job deletions.
 */
import { Job } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { refOf, type Seen, timeMs } from '../shared/objects.ts';
import { enqueueSelf } from '../shared/watching.ts';
import { deleteSeen, ifThere } from '../shared/writes.ts';

export function ttlAfterFinishedController({ client, informers, clock }: ControllerDeps): ControllerSpec {
  const jobs = informers.of(Job);

  return {
    name: 'ttl-after-finished',
    workers: 2,
    watch: (enqueue) => enqueueSelf(jobs, enqueue),
    async reconcile(key) {
      const job = jobs.get(key);
      const leftMs = job === undefined ? undefined : msLeft(job, clock.now());
      if (job === undefined || leftMs === undefined) return done;
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      // The TTL may have been lengthened just now: the version read here is the one that is deleted.
      const live = await ifThere(() => client.get(Job, refOf(job)));
      if (live === undefined || live.metadata.uid !== job.metadata.uid || msLeft(live, clock.now()) !== 0)
        return done;
      await deleteSeen(client, Job, live, { propagationPolicy: 'Foreground' });
      return done;
    },
  };
}

/** Undefined: it has no TTL, has not ended, or is going already. */
function msLeft(job: Seen<Job>, nowMs: number): number | undefined {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const ended = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (ttl === undefined || ended === undefined || job.metadata.deletionTimestamp !== undefined)
    return undefined;
  return Math.max(0, timeMs(ended.lastTransitionTime) + ttl * 1000 - nowMs);
}
