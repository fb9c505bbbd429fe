import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonSet, type NewObject, Node, Pod, type Taint } from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import { type Harness, podSpec, startHarness } from '../testing/harness.ts';
import { daemonSetController } from './controller.ts';
import { targetNode } from './plan.ts';

const labels = { app: 'agent' };
const node = (
  name: string,
  taints: Taint[] = [],
  nodeLabels: Record<string, string> = {},
): NewObject<Node> => ({
  metadata: { name, labels: nodeLabels },
  spec: { taints },
});
const agent = (spec: object = {}): NewObject<DaemonSet> => ({
  metadata: { name: 'agent', namespace: 'default' },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { ...podSpec, ...spec } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
  },
});
const start = (nodes: NewObject<Node>[], spec: object = {}): Promise<Harness> =>
  startHarness((deps) => [daemonSetController(deps)], {
    prepare: (client) => {
      client.seed(Node, ...nodes);
      client.seed(DaemonSet, agent(spec));
    },
  });
const targets = ({ client }: Harness) =>
  client
    .objects(Pod)
    .map((pod) => targetNode(pod) ?? '')
    .toSorted((a, b) => (a < b ? -1 : 1));
const run = async ({ client, clock, quiet }: Harness) => {
  for (const pod of client.objects(Pod)) {
    client.mutate(Pod, `default/${pod.metadata.name}`, (object) => {
      object.spec.nodeName ??= targetNode(object);
      object.status = {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: rfc3339(clock.now()) }],
      };
    });
  }
  await quiet();
};

test('DS-1 every node that fits has one daemon, also one that joins later and one that is unwell', async (t) => {
  const harness = await start([
    node('a'),
    node('b', [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]),
    node('c', [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }]),
  ]);
  t.after(harness.stop);
  assert.deepEqual(targets(harness), ['a', 'b']);
  harness.client.seed(Node, node('d'));
  await harness.quiet();
  assert.deepEqual(targets(harness), ['a', 'b', 'd']);
  await run(harness);
  const status = harness.client.find(DaemonSet, 'default/agent')?.status;
  assert.deepEqual([status?.desiredNumberScheduled, status?.numberReady, status?.numberAvailable], [3, 3, 3]);
});

test('DS-1 a node that no longer fits loses its daemon', async (t) => {
  const harness = await start([node('a', [], { role: 'edge' }), node('b')], {
    nodeSelector: { role: 'edge' },
  });
  t.after(harness.stop);
  assert.deepEqual(targets(harness), ['a']);
  harness.client.mutate(Node, 'a', ({ metadata }) => {
    metadata.labels = {};
  });
  harness.client.mutate(Node, 'b', ({ metadata }) => {
    metadata.labels = { role: 'edge' };
  });
  await harness.quiet();
  assert.deepEqual(targets(harness), ['b']);
});

test('DS-2 an update replaces working daemons one by one', async (t) => {
  const harness = await start([node('a'), node('b'), node('c')]);
  t.after(harness.stop);
  await run(harness);
  harness.client.mutate(DaemonSet, 'default/agent', (set) => {
    set.spec.template.spec.containers = [{ name: 'web', image: 'web:2' }];
  });
  await harness.quiet();
  const updated = () =>
    harness.client.objects(Pod).filter(({ spec }) => spec.containers[0]?.image === 'web:2').length;
  for (const want of [1, 2, 3]) {
    assert.equal(updated(), want);
    await run(harness);
  }
  assert.equal(harness.client.find(DaemonSet, 'default/agent')?.status?.updatedNumberScheduled, 3);
});

test('a failed daemon is deleted and made again, but not in a hurry', async (t) => {
  const harness = await start([node('a')]);
  t.after(harness.stop);
  const [first] = harness.client.objects(Pod);
  harness.client.mutate(Pod, `default/${first?.metadata.name}`, (pod) => {
    pod.status = { phase: 'Failed' };
  });
  await harness.pass(5_000);
  assert.equal(harness.client.objects(Pod)[0]?.metadata.uid, first?.metadata.uid);
  await harness.pass(6_000);
  const [second] = harness.client.objects(Pod);
  assert.notEqual(second?.metadata.uid, first?.metadata.uid);
  assert.deepEqual(targets(harness), ['a']);
});
