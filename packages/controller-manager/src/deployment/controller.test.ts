import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment, getCondition, type NewObject, Pod, ReplicaSet } from '@kubelab/api';
import type { FakeKubeClient } from '@kubelab/client/testing';
import { rfc3339 } from '@kubelab/component-base';
import { replicaSetController } from '../replica-set/controller.ts';
import { type Harness, makeReady, podSpec, startHarness } from '../testing/harness.ts';
import { deploymentController } from './controller.ts';

const labels = { app: 'web' };
const web = (spec: Partial<Deployment['spec']> = {}): NewObject<Deployment> => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...spec,
  },
});

const start = (spec: Partial<Deployment['spec']> = {}): Promise<Harness> =>
  startHarness((deps) => [deploymentController(deps), replicaSetController(deps)], {
    prepare: (client) => void client.seed(Deployment, web(spec)),
  });

/** Plays the kubelets until nothing changes: every pod becomes ready. */
async function settleReady({ client, clock, quiet }: Harness): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const waiting = client.objects(Pod).filter((pod) => pod.status?.phase !== 'Running');
    if (waiting.length === 0) return;
    for (const pod of waiting) makeReady(client, pod, rfc3339(clock.now()));
    await quiet();
  }
}

const get = (client: FakeKubeClient) => {
  const deployment = client.find(Deployment, 'default/web');
  assert(deployment !== undefined);
  return deployment;
};
const sizes = (client: FakeKubeClient) =>
  client.objects(ReplicaSet).map((set) => [set.spec.template?.spec.containers[0]?.image, set.spec.replicas]);
const setImage = (client: FakeKubeClient, image: string) =>
  client.mutate(Deployment, 'default/web', (deployment) => {
    deployment.spec.template.spec.containers = [{ name: 'web', image }];
    deployment.metadata.generation = (deployment.metadata.generation ?? 0) + 1;
  });

test('a new Deployment makes one ReplicaSet named by its template hash, and tells so', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  const { client, events } = harness;
  const [set] = client.objects(ReplicaSet);
  const hash = set?.metadata.labels?.['pod-template-hash'];
  assert.equal(set?.metadata.name, `web-${hash}`);
  assert.equal(set?.spec.selector.matchLabels?.['pod-template-hash'], hash);
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/desired-replicas'], '3');
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/max-replicas'], '4');
  assert.equal(get(client).metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  const scaled = events.find(({ reason }) => reason === 'ScalingReplicaSet');
  assert.equal(scaled?.message, `Scaled up replica set web-${hash} from 0 to 3`);

  await settleReady(harness);
  const { status } = get(client);
  assert.deepEqual([status?.replicas, status?.readyReplicas, status?.updatedReplicas], [3, 3, 3]);
  assert.equal(getCondition(status?.conditions, 'Available')?.status, 'True');
  const progressing = getCondition(status?.conditions, 'Progressing');
  assert.equal(progressing?.reason, 'NewReplicaSetAvailable');
  assert.equal(progressing?.message, `ReplicaSet "web-${hash}" has successfully progressed.`);
  assert.equal(status?.observedGeneration, get(client).metadata.generation);
});

test('a new image rolls out through a second set, and at rest nothing is written any more', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  const { client } = harness;
  await settleReady(harness);
  setImage(client, 'web:2');
  await harness.quiet();
  await settleReady(harness);
  assert.deepEqual(sizes(client), [
    ['web:1', 0],
    ['web:2', 3],
  ]);
  assert.equal(get(client).metadata.annotations?.['deployment.kubernetes.io/revision'], '2');
  client.clearActions();
  await harness.pass(60_000);
  assert.deepEqual(client.writes(), []);
});

test('going back to an old template reuses its set under a new revision', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  const { client } = harness;
  await settleReady(harness);
  for (const image of ['web:2', 'web:1']) {
    setImage(client, image);
    await harness.quiet();
    await settleReady(harness);
  }
  assert.deepEqual(sizes(client), [
    ['web:1', 3],
    ['web:2', 0],
  ]);
  const [first] = client.objects(ReplicaSet);
  assert.equal(first?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(first?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('Recreate makes nothing new before the last old pod is gone', async (t) => {
  const harness = await startHarness((deps) => [deploymentController(deps), replicaSetController(deps)], {
    gracefulPods: true,
    prepare: (client) => void client.seed(Deployment, web({ strategy: { type: 'Recreate' } })),
  });
  t.after(harness.stop);
  const { client } = harness;
  await settleReady(harness);
  setImage(client, 'web:2');
  await harness.quiet();
  assert.deepEqual(sizes(client), [['web:1', 0]]);
  const old = client.objects(Pod);
  for (const pod of old.slice(1)) client.removeNow(Pod, `default/${pod.metadata.name}`);
  await harness.quiet();
  assert.equal(client.objects(ReplicaSet).length, 1);
  client.removeNow(Pod, `default/${old[0]?.metadata.name}`);
  await harness.quiet();
  assert.deepEqual(sizes(client), [
    ['web:1', 0],
    ['web:2', 3],
  ]);
});

test('a paused Deployment scales but rolls nothing out, and a resumed one does', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  const { client } = harness;
  await settleReady(harness);
  client.mutate(Deployment, 'default/web', (deployment) => {
    deployment.spec.paused = true;
    deployment.spec.replicas = 5;
  });
  setImage(client, 'web:2');
  await harness.quiet();
  assert.deepEqual(sizes(client), [['web:1', 5]]);
  assert.equal(getCondition(get(client).status?.conditions, 'Progressing')?.reason, 'DeploymentPaused');
  client.mutate(Deployment, 'default/web', (deployment) => {
    deployment.spec.paused = false;
  });
  await harness.quiet();
  await settleReady(harness);
  assert.deepEqual(sizes(client), [
    ['web:1', 0],
    ['web:2', 5],
  ]);
});

test('a rollout that makes no progress is called stuck after its deadline, by time alone', async (t) => {
  const harness = await start({ progressDeadlineSeconds: 60 });
  t.after(harness.stop);
  await harness.pass(65_000);
  const progressing = getCondition(get(harness.client).status?.conditions, 'Progressing');
  assert.deepEqual([progressing?.status, progressing?.reason], ['False', 'ProgressDeadlineExceeded']);
  assert.match(progressing?.message ?? '', /^ReplicaSet "web-\w+" has timed out progressing\.$/);
});

test('old sets beyond revisionHistoryLimit are deleted', async (t) => {
  const harness = await start({ revisionHistoryLimit: 1 });
  t.after(harness.stop);
  await settleReady(harness);
  for (const image of ['web:2', 'web:3', 'web:4']) {
    setImage(harness.client, image);
    await harness.quiet();
    await settleReady(harness);
  }
  assert.deepEqual(
    sizes(harness.client).map(([image]) => image),
    ['web:3', 'web:4'],
  );
});

test('DEP-1 a name taken by another template is stepped around by collisionCount', async (t) => {
  const probe = await start();
  const taken = probe.client.objects(ReplicaSet)[0]?.metadata.name ?? '';
  probe.stop();
  const harness = await startHarness((deps) => [deploymentController(deps), replicaSetController(deps)], {
    prepare: (client) => {
      client.seed(ReplicaSet, {
        metadata: { name: taken, namespace: 'default', labels: { app: 'other' } },
        spec: { replicas: 0, selector: { matchLabels: { app: 'other' } }, template: { spec: podSpec } },
      });
      client.seed(Deployment, web());
    },
  });
  t.after(harness.stop);
  await harness.pass(1_000);
  assert.equal(get(harness.client).status?.collisionCount, 1);
  assert.equal(
    harness.client.objects(ReplicaSet).filter(({ metadata }) => metadata.name !== taken).length,
    1,
  );
});
