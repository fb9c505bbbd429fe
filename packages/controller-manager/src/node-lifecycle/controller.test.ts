import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCondition, Lease, type NewObject, Node, Pod, ReplicaSet, type Toleration } from '@kubelab/api';
import { failing, type FakeKubeClient } from '@kubelab/client/testing';
import { rfc3339, rfc3339Micro } from '@kubelab/component-base';
import { replicaSetController } from '../replica-set/controller.ts';
import { taintEvictionController } from '../taint-eviction/controller.ts';
import { type Harness, makeReady, podSpec, startHarness } from '../testing/harness.ts';
import { nodeLifecycleController, type NodeLifecycleOptions } from './controller.ts';

const STARTUP_GRACE_MS = 20_000;

const lab: NodeLifecycleOptions = {
  monitorPeriodMs: 1_000,
  monitorGracePeriodMs: 4_000,
  startupGracePeriodMs: STARTUP_GRACE_MS,
  unhealthyZoneThreshold: 1.1,
  nodeEvictionRate: 100,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
};

const readyNode = (name: string): NewObject<Node> => ({
  metadata: { name, labels: {} },
  spec: {},
  status: {
    conditions: [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: '2026-01-01T00:00:00Z' },
      { type: 'MemoryPressure', status: 'False', lastHeartbeatTime: '2026-01-01T00:00:00Z' },
    ],
  },
});

interface Lab extends Harness {
  /** Time passes; these nodes renew their leases each second, and so does the leader. */
  readonly live: (ms: number, ...nodes: string[]) => Promise<void>;
}

async function start(
  nodeNames: readonly string[],
  options = lab,
  more?: (client: FakeKubeClient) => void,
): Promise<Lab> {
  const harness = await startHarness(
    (deps) => [
      nodeLifecycleController(deps, options),
      taintEvictionController(deps),
      replicaSetController(deps),
    ],
    {
      prepare: (client) => {
        client.seed(Node, ...nodeNames.map(readyNode));
        for (const name of nodeNames) {
          client.seed(Lease, {
            metadata: { name, namespace: 'kube-node-lease' },
            spec: { holderIdentity: name },
          });
        }
        client.seed(Lease, {
          metadata: { name: 'kube-controller-manager', namespace: 'kube-system' },
          spec: {},
        });
        more?.(client);
      },
    },
  );
  const renew = (key: string) =>
    harness.client.mutate(Lease, key, (lease) => {
      lease.spec.renewTime = rfc3339Micro(harness.clock.now());
    });
  return {
    ...harness,
    async live(ms, ...nodes) {
      for (let passed = 0; passed < ms; passed += 1_000) {
        await harness.pass(1_000);
        for (const node of nodes) renew(`kube-node-lease/${node}`);
        renew('kube-system/kube-controller-manager');
        await harness.quiet();
      }
    },
  };
}

const ready = (client: FakeKubeClient, name: string) =>
  getCondition(client.find(Node, name)?.status?.conditions, 'Ready');
const taints = (client: FakeKubeClient, name: string) =>
  (client.find(Node, name)?.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);

test('a node whose lease stops is Unknown after the grace period, tainted, and nothing happens to the others', async (t) => {
  const { client, live, stop } = await start(['node-1', 'node-2']);
  t.after(stop);
  await live(10_000, 'node-1', 'node-2');
  assert.equal(ready(client, 'node-2')?.status, 'True');
  await live(3_000, 'node-1');
  assert.equal(ready(client, 'node-2')?.status, 'True');
  await live(2_000, 'node-1');
  assert.equal(ready(client, 'node-1')?.status, 'True');
  assert.deepEqual(taints(client, 'node-1'), []);
  const condition = ready(client, 'node-2');
  assert.deepEqual([condition?.status, condition?.reason], ['Unknown', 'NodeStatusUnknown']);
  assert.equal(condition?.message, 'Kubelet stopped posting node status.');
  assert.equal(condition?.lastHeartbeatTime, '2026-01-01T00:00:00Z');
  assert.deepEqual(taints(client, 'node-2'), [
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ]);
});

test('a node that comes back loses its taints', async (t) => {
  const { client, live, clock, stop } = await start(['node-1', 'node-2']);
  t.after(stop);
  await live(1_000, 'node-1', 'node-2');
  await live(6_000, 'node-1');
  assert.equal(taints(client, 'node-2').length, 2);
  client.mutate(Node, 'node-2', (node) => {
    const condition = getCondition(node.status?.conditions, 'Ready');
    assert(condition !== undefined);
    Object.assign(condition, { status: 'True', lastHeartbeatTime: rfc3339(clock.now()) });
  });
  await live(3_000, 'node-1', 'node-2');
  assert.deepEqual(taints(client, 'node-2'), []);
  assert.equal(ready(client, 'node-2')?.status, 'True');
});

test('NL-1 after a restart of ours a node has the start-up grace until it first shows life, however old its lease', async (t) => {
  const { client, live, stop } = await start(['node-1', 'node-2']);
  t.after(stop);
  await live(STARTUP_GRACE_MS - 2_000, 'node-1');
  assert.equal(ready(client, 'node-2')?.status, 'True');
  await live(4_000, 'node-1');
  assert.equal(ready(client, 'node-2')?.status, 'Unknown');
});

test('NL-2 a time in which we saw nothing at all evicts nobody', async (t) => {
  const { client, live, pass, stop } = await start(['node-1', 'node-2']);
  t.after(stop);
  await live(5_000, 'node-1', 'node-2');
  // The API server is gone for a minute, and with it every renewal.
  client.intercept(failing({ verb: 'list', resource: 'leases' }, undefined, 100));
  await pass(60_000);
  await live(3_000, 'node-1', 'node-2');
  assert.equal(ready(client, 'node-1')?.status, 'True');
  assert.equal(ready(client, 'node-2')?.status, 'True');
});

test('NL-3 with every lease silent but the API server answering, nodes are judged all the same', async (t) => {
  const { client, pass, stop } = await start(['node-1']);
  t.after(stop);
  for (let second = 0; second < 30; second++) await pass(1_000);
  assert.equal(ready(client, 'node-1')?.status, 'Unknown');
});

test('pods of a silent node are out of Services at once, evicted by their toleration, and replaced elsewhere', async (t) => {
  const labels = { app: 'web' };
  const tolerations: Toleration[] = [
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 },
  ];
  const harness = await start(['node-1', 'node-2'], lab, (client) => {
    const template = { metadata: { labels }, spec: { ...podSpec, nodeName: 'node-2', tolerations } };
    client.seed(ReplicaSet, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
  });
  const { client, clock, live, pass, events, stop } = harness;
  t.after(stop);
  const first = client.objects(Pod);
  for (const pod of first) makeReady(client, pod, rfc3339(clock.now()));
  await live(1_000, 'node-1', 'node-2');
  await live(4_000, 'node-1');
  await pass(100);
  const isReady = (pod: Pod) => getCondition(pod.status?.conditions, 'Ready')?.status;
  assert.deepEqual(client.objects(Pod).map(isReady), ['False', 'False']);
  assert.deepEqual(
    new Set(client.objects(Pod).map((pod) => pod.metadata.uid)),
    new Set(first.map((pod) => pod.metadata.uid)),
  );
  await pass(1_100);
  const uids = new Set(first.map(({ metadata }) => metadata.uid));
  assert.equal(client.objects(Pod).length, 2);
  assert(client.objects(Pod).every(({ metadata }) => !uids.has(metadata.uid)));
  const eviction = events.find(({ reason }) => reason === 'TaintManagerEviction');
  assert.match(eviction?.message ?? '', /^Marking for deletion Pod default\/web-/);
});

test('with upstream thresholds a cluster gone dark as a whole evicts nobody', async (t) => {
  const upstream = { ...lab, unhealthyZoneThreshold: 0.55 };
  const { client, live, stop } = await start(['node-1', 'node-2'], upstream);
  t.after(stop);
  await live(1_000, 'node-1', 'node-2');
  await live(8_000);
  assert.equal(ready(client, 'node-1')?.status, 'Unknown');
  for (const name of ['node-1', 'node-2']) {
    assert.deepEqual(taints(client, name), ['node.kubernetes.io/unreachable:NoSchedule']);
  }
});

test('a cordoned node carries the unschedulable taint for as long', async (t) => {
  const { client, quiet, stop } = await start(['node-1']);
  t.after(stop);
  const cordon = async (unschedulable: boolean) => {
    client.mutate(Node, 'node-1', (node) => {
      node.spec.unschedulable = unschedulable;
    });
    await quiet();
    return taints(client, 'node-1');
  };
  assert.deepEqual(await cordon(true), ['node.kubernetes.io/unschedulable:NoSchedule']);
  assert.deepEqual(await cordon(false), []);
});
