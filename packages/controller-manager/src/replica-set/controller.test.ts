import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, type NewObject, Pod, ReplicaSet, ReplicationController } from '@kubelab/api';
import { failing } from '@kubelab/client/testing';
import { rfc3339 } from '@kubelab/component-base';
import { replicationController } from '../replication-controller/controller.ts';
import { type Harness, makeReady, podSpec, startHarness } from '../testing/harness.ts';
import { replicaSetController } from './controller.ts';

const labels = { app: 'web' };
const webSet = (replicas: number): NewObject<ReplicaSet> => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
});

async function start(replicas: number, gracefulPods = false): Promise<Harness> {
  const harness = await startHarness((deps) => [replicaSetController(deps)], {
    gracefulPods,
    prepare: (client) => void client.seed(ReplicaSet, webSet(replicas)),
  });
  return harness;
}

test('a ReplicaSet makes its pods from the template, owned by it, and tells so', async (t) => {
  const { client, events, stop } = await start(3);
  t.after(stop);
  const pods = client.objects(Pod);
  assert.equal(pods.length, 3);
  for (const pod of pods) {
    assert.match(pod.metadata.name, /^web-/);
    assert.deepEqual(pod.metadata.labels, labels);
    assert.equal(pod.metadata.ownerReferences?.[0]?.kind, 'ReplicaSet');
    assert.equal(pod.metadata.ownerReferences?.[0]?.controller, true);
  }
  assert.deepEqual(
    events.map((event) => event.reason),
    ['SuccessfulCreate', 'SuccessfulCreate', 'SuccessfulCreate'],
  );
  assert.equal(client.find(ReplicaSet, 'default/web')?.status?.replicas, 3);
});

test('a ReplicaSet replaces a pod that is being deleted or has failed, without waiting for its end', async (t) => {
  const { client, quiet, stop } = await start(2, true);
  t.after(stop);
  const [first, second] = client.objects(Pod);
  assert(first !== undefined && second !== undefined);
  client.mutate(Pod, `default/${first.metadata.name}`, (pod) => {
    pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  });
  client.mutate(Pod, `default/${second.metadata.name}`, (pod) => {
    pod.status = { phase: 'Failed' };
  });
  await quiet();
  assert.equal(client.objects(Pod).length, 4);
  assert.equal(client.find(ReplicaSet, 'default/web')?.status?.replicas, 2);
});

test('RS-1 adopts a matching orphan instead of making a pod, and releases one that no longer matches', async (t) => {
  const { client, quiet, stop } = await startHarness((deps) => [replicaSetController(deps)], {
    prepare: (fake) => {
      fake.seed(ReplicaSet, webSet(1));
      fake.seed(Pod, { metadata: { name: 'orphan', namespace: 'default', labels }, spec: podSpec });
    },
  });
  t.after(stop);
  assert.equal(client.objects(Pod).length, 1);
  assert.equal(client.find(Pod, 'default/orphan')?.metadata.ownerReferences?.[0]?.name, 'web');
  client.mutate(Pod, 'default/orphan', (pod) => {
    pod.metadata.labels = { app: 'other' };
  });
  await quiet();
  assert.equal(client.objects(Pod).length, 2);
  assert.equal(client.find(Pod, 'default/orphan')?.metadata.ownerReferences?.length ?? 0, 0);
});

test('RS-2 does not create twice while a create is unobserved', async (t) => {
  const { client, quiet, stop } = await start(0);
  t.after(stop);
  // The cache of pods goes blind, the set's own watch goes on.
  client.intercept(failing({ verb: 'watch', resource: 'pods' }, undefined, 1000));
  client.intercept(failing({ verb: 'list', resource: 'pods' }, undefined, 1000));
  client.dropWatches();
  await quiet();
  client.mutate(ReplicaSet, 'default/web', (set) => {
    set.spec.replicas = 2;
  });
  await quiet();
  client.mutate(ReplicaSet, 'default/web', (set) => {
    set.metadata.annotations = { again: 'yes' };
  });
  await quiet();
  const creates = client.writes().filter(({ verb, resource }) => verb === 'create' && resource === 'pods');
  assert(creates.length <= 2, `created ${creates.length}`);
});

test('a refused create is told in an event and a condition, and tried again', async (t) => {
  const harness = await startHarness((deps) => [replicaSetController(deps)], {
    prepare: (client) => {
      client.seed(ReplicaSet, webSet(2));
      client.intercept(
        failing({ verb: 'create', resource: 'pods' }, errors.forbidden(Pod, 'web', 'quota'), 2),
      );
    },
  });
  t.after(harness.stop);
  const failed = harness.events.find(({ reason }) => reason === 'FailedCreate');
  assert.equal(failed?.type, 'Warning');
  assert.equal(
    harness.client.find(ReplicaSet, 'default/web')?.status?.conditions?.[0]?.type,
    'ReplicaFailure',
  );
  await harness.pass(5_000);
  assert.equal(harness.client.objects(Pod).length, 2);
  assert.equal(harness.client.find(ReplicaSet, 'default/web')?.status?.conditions?.length ?? 0, 0);
});

test('available follows ready by minReadySeconds, by time alone', async (t) => {
  const { client, clock, quiet, pass, stop } = await start(1);
  t.after(stop);
  client.mutate(ReplicaSet, 'default/web', (set) => {
    set.spec.minReadySeconds = 10;
  });
  const [pod] = client.objects(Pod);
  assert(pod !== undefined);
  makeReady(client, pod, rfc3339(clock.now()));
  await quiet();
  const status = () => client.find(ReplicaSet, 'default/web')?.status;
  assert.deepEqual([status()?.readyReplicas, status()?.availableReplicas ?? 0], [1, 0]);
  await pass(10_500);
  assert.equal(status()?.availableReplicas, 1);
});

test('scaling down deletes by rank and a ReplicationController does the same work', async (t) => {
  const { client, clock, quiet, stop } = await startHarness((deps) => [replicationController(deps)], {
    prepare: (fake) =>
      void fake.seed(ReplicationController, {
        metadata: { name: 'rc', namespace: 'default' },
        spec: { replicas: 3, selector: labels, template: { metadata: { labels }, spec: podSpec } },
      }),
  });
  t.after(stop);
  const [ready] = client.objects(Pod);
  assert(ready !== undefined);
  makeReady(client, ready, rfc3339(clock.now()));
  await quiet();
  client.mutate(ReplicationController, 'default/rc', (rc) => {
    rc.spec.replicas = 1;
  });
  await quiet();
  assert.deepEqual(
    client.objects(Pod).map(({ metadata }) => metadata.name),
    [ready.metadata.name],
  );
});
