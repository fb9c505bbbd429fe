import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControllerRevision, type NewObject, PersistentVolumeClaim, Pod, StatefulSet } from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import { type Harness, makeReady, podSpec, startHarness } from '../testing/harness.ts';
import { statefulSetController } from './controller.ts';

const labels = { app: 'db' };
const db = (spec: Partial<StatefulSet['spec']> = {}): NewObject<StatefulSet> => ({
  metadata: { name: 'db', namespace: 'default' },
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec },
    ...spec,
  },
});
const start = (spec: Partial<StatefulSet['spec']> = {}): Promise<Harness> =>
  startHarness((deps) => [statefulSetController(deps)], {
    prepare: (client) => void client.seed(StatefulSet, db(spec)),
  });
const names = ({ client }: Harness) =>
  client
    .objects(Pod)
    .map(({ metadata }) => metadata.name)
    .toSorted((a, b) => (a < b ? -1 : 1));
const images = ({ client }: Harness) =>
  client
    .objects(Pod)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map(({ spec }) => spec.containers[0]?.image);
const ready = async (harness: Harness, name: string) => {
  const pod = harness.client.find(Pod, `default/${name}`);
  assert(pod !== undefined, name);
  makeReady(harness.client, pod, rfc3339(harness.clock.now()));
  await harness.quiet();
};
const allReady = async (harness: Harness) => {
  for (let round = 0; round < 20; round++) {
    for (const pod of harness.client.objects(Pod))
      if (pod.status?.phase !== 'Running') await ready(harness, pod.metadata.name);
  }
};
const setImage = async (harness: Harness, image: string) => {
  harness.client.mutate(StatefulSet, 'default/db', (set) => {
    set.spec.template.spec.containers = [{ name: 'web', image }];
  });
  await harness.quiet();
};

test('SS-2 members come one after another, each after the one before is ready, with identity and claims', async (t) => {
  const harness = await start({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] });
  t.after(harness.stop);
  assert.deepEqual(names(harness), ['db-0']);
  await ready(harness, 'db-0');
  assert.deepEqual(names(harness), ['db-0', 'db-1']);
  await allReady(harness);
  assert.deepEqual(names(harness), ['db-0', 'db-1', 'db-2']);
  const pod = harness.client.find(Pod, 'default/db-1');
  assert.deepEqual([pod?.spec.hostname, pod?.spec.subdomain], ['db-1', 'db']);
  assert.equal(pod?.metadata.labels?.['apps.kubernetes.io/pod-index'], '1');
  assert.equal(pod?.spec.volumes?.[0]?.persistentVolumeClaim?.claimName, 'data-db-1');
  assert.equal(harness.client.objects(PersistentVolumeClaim).length, 3);
  const { status } = harness.client.find(StatefulSet, 'default/db') ?? {};
  assert.deepEqual(
    [status?.replicas, status?.readyReplicas, status?.currentRevision],
    [3, 3, status?.updateRevision],
  );
});

test('SS-1 SS-2 a lost member comes back under its name; scaling down takes the highest first', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  await allReady(harness);
  harness.client.removeNow(Pod, 'default/db-1');
  await harness.quiet();
  assert.deepEqual(names(harness), ['db-0', 'db-1', 'db-2']);
  await ready(harness, 'db-1');
  harness.client.mutate(StatefulSet, 'default/db', (set) => {
    set.spec.replicas = 1;
  });
  await harness.quiet();
  assert.deepEqual(names(harness), ['db-0']);
});

test('Parallel waits for nobody', async (t) => {
  const harness = await start({ podManagementPolicy: 'Parallel' });
  t.after(harness.stop);
  assert.deepEqual(names(harness), ['db-0', 'db-1', 'db-2']);
});

test('SS-3 an update goes from the top down to the partition, one healthy member at a time', async (t) => {
  const harness = await start({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
  t.after(harness.stop);
  await allReady(harness);
  await setImage(harness, 'web:2');
  assert.deepEqual(images(harness), ['web:1', 'web:1', 'web:2']);
  await ready(harness, 'db-2');
  assert.deepEqual(images(harness), ['web:1', 'web:2', 'web:2']);
  await allReady(harness);
  assert.deepEqual(images(harness), ['web:1', 'web:2', 'web:2']);
  // A member below the partition that is made again keeps the old revision.
  harness.client.removeNow(Pod, 'default/db-0');
  await harness.quiet();
  assert.deepEqual(images(harness), ['web:1', 'web:2', 'web:2']);
});

test('going back to an old template renumbers its revision, and unused revisions beyond the limit go', async (t) => {
  const harness = await start({ replicas: 1, revisionHistoryLimit: 1 });
  t.after(harness.stop);
  for (const image of ['web:2', 'web:3', 'web:4', 'web:3']) {
    await allReady(harness);
    await setImage(harness, image);
  }
  await allReady(harness);
  assert.deepEqual(images(harness), ['web:3']);
  const revisions = harness.client.objects(ControllerRevision).map(({ revision }) => revision);
  assert.deepEqual(
    revisions.toSorted((a, b) => a - b),
    [4, 5],
  );
  const { status } = harness.client.find(StatefulSet, 'default/db') ?? {};
  assert.equal(status?.currentRevision, status?.updateRevision);
});
