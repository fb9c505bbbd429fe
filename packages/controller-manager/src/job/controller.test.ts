import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCondition, Job, type NewObject, Pod } from '@kubelab/api';
import { failing, type FakeKubeClient } from '@kubelab/client/testing';
import fc from 'fast-check';
import { podSpec, startHarness, type Harness } from '../testing/harness.ts';
import { ttlAfterFinishedController } from '../ttl-after-finished/controller.ts';
import { jobController } from './controller.ts';
import { indexOf, parseIndexes, rangesText, TRACKING } from './plan.ts';

const labels = { 'batch.kubernetes.io/job-name': 'sum' };
const sum = (spec: Partial<Job['spec']> = {}): NewObject<Job> => ({
  metadata: { name: 'sum', namespace: 'default' },
  spec: {
    completions: 3,
    parallelism: 2,
    backoffLimit: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { ...podSpec, restartPolicy: 'Never' } },
    ...spec,
  },
});
const start = (spec: Partial<Job['spec']> = {}, more?: (client: FakeKubeClient) => void): Promise<Harness> =>
  startHarness((deps) => [jobController(deps), ttlAfterFinishedController(deps)], {
    prepare: (client) => {
      client.seed(Job, sum(spec));
      more?.(client);
    },
  });
const status = ({ client }: Harness) => client.find(Job, 'default/sum')?.status;
const running = ({ client }: Harness) =>
  client
    .objects(Pod)
    .filter((pod) => pod.status?.phase === undefined && pod.metadata.deletionTimestamp === undefined);
const finish = async (harness: Harness, pod: Pod | undefined, phase: 'Succeeded' | 'Failed') => {
  assert(pod !== undefined);
  harness.client.mutate(Pod, `default/${pod.metadata.name}`, (object) => {
    object.status = { phase };
  });
  await harness.quiet();
};
const condition = (harness: Harness, type: string) => getCondition(status(harness)?.conditions, type);

test('a Job runs parallelism pods at once until completions have succeeded, then says so', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  assert.equal(running(harness).length, 2);
  assert.deepEqual(running(harness)[0]?.metadata.finalizers, [TRACKING]);
  await finish(harness, running(harness)[0], 'Succeeded');
  assert.equal(running(harness).length, 2);
  await finish(harness, running(harness)[0], 'Succeeded');
  assert.equal(running(harness).length, 1);
  await finish(harness, running(harness)[0], 'Succeeded');
  assert.equal(running(harness).length, 0);
  assert.deepEqual([status(harness)?.succeeded, status(harness)?.active ?? 0], [3, 0]);
  assert.equal(condition(harness, 'Complete')?.status, 'True');
  assert.ok(status(harness)?.completionTime);
  assert.equal(harness.events.at(-1)?.reason, 'Completed');
  assert(harness.client.objects(Pod).every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
});

test('failures are tried again after a growing wait, and too many of them end the Job', async (t) => {
  const harness = await start({ completions: 1, parallelism: 1 });
  t.after(harness.stop);
  await finish(harness, running(harness)[0], 'Failed');
  assert.equal(running(harness).length, 0);
  await harness.pass(10_100);
  assert.equal(running(harness).length, 1);
  await finish(harness, running(harness)[0], 'Failed');
  await harness.pass(20_100);
  await finish(harness, running(harness)[0], 'Failed');
  assert.equal(condition(harness, 'Failed')?.reason, 'BackoffLimitExceeded');
  assert.equal(status(harness)?.failed, 3);
});

test('an Indexed Job gives each pod its index and reruns only those that failed', async (t) => {
  const harness = await start({ completionMode: 'Indexed', parallelism: 3 });
  t.after(harness.stop);
  assert.deepEqual(running(harness).map(indexOf), [0, 1, 2]);
  const [zero, one, two] = running(harness);
  assert.equal(one?.spec.hostname, 'sum-1');
  await finish(harness, zero, 'Succeeded');
  await finish(harness, two, 'Succeeded');
  await finish(harness, one, 'Failed');
  assert.equal(status(harness)?.completedIndexes, '0,2');
  await harness.pass(10_100);
  assert.deepEqual(running(harness).map(indexOf), [1]);
});

test('a suspended Job has no pods, counts none of them as failed, and goes on when resumed', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  const suspend = async (isSuspended: boolean) => {
    harness.client.mutate(Job, 'default/sum', (job) => {
      job.spec.suspend = isSuspended;
    });
    await harness.quiet();
  };
  await suspend(true);
  assert.deepEqual([harness.client.objects(Pod).length, status(harness)?.failed ?? 0], [0, 0]);
  assert.equal(condition(harness, 'Suspended')?.status, 'True');
  await suspend(false);
  assert.equal(running(harness).length, 2);
});

test('activeDeadlineSeconds ends a Job by time alone, and its TTL removes it', async (t) => {
  const harness = await start({ activeDeadlineSeconds: 30, ttlSecondsAfterFinished: 60 });
  t.after(harness.stop);
  await harness.pass(31_000);
  assert.equal(condition(harness, 'Failed')?.reason, 'DeadlineExceeded');
  assert.equal(running(harness).length, 0);
  await harness.pass(61_000);
  const job = harness.client.find(Job, 'default/sum');
  assert(job === undefined || job.metadata.deletionTimestamp !== undefined);
});

test('JOB-1 a pod that outlives its Job is not held by the finalizer', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  harness.client.removeNow(Job, 'default/sum');
  await harness.quiet();
  assert(harness.client.objects(Pod).every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
});

test('JOB-1 every finished pod is counted once, whatever write fails on the way and whoever deletes it', async () => {
  const step = fc.record({ fail: fc.boolean(), broken: fc.constantFrom('none', 'patch', 'update') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const harness = await start({ completions: 100, parallelism: 1, backoffLimit: 100 });
      const want = { succeeded: 0, failed: 0 };
      for (const { fail, broken } of steps) {
        if (broken !== 'none') harness.client.intercept(failing({ verb: broken }, undefined, 2));
        const [pod] = running(harness);
        assert(pod !== undefined);
        want[fail ? 'failed' : 'succeeded']++;
        await finish(harness, pod, fail ? 'Failed' : 'Succeeded');
        await harness.client
          .delete(Pod, { namespace: 'default', name: pod.metadata.name })
          .catch(() => undefined);
        await harness.pass(700_000);
      }
      harness.stop();
      assert.deepEqual(
        { succeeded: status(harness)?.succeeded ?? 0, failed: status(harness)?.failed ?? 0 },
        want,
      );
    }),
    { numRuns: 60 },
  );
});

test('index ranges read and write each other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 })), (indexes) => {
      const set = new Set(indexes);
      assert.deepEqual(parseIndexes(rangesText(set)), new Set([...set].sort((a, b) => a - b)));
    }),
  );
  assert.equal(rangesText(new Set([0, 2, 3, 4, 9])), '0,2-4,9');
});
