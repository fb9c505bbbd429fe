import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodDisruptionBudget } from '@kubelab/api';
import { seededRandom } from '@kubelab/component-base';
import { buildProfile } from '../profile.ts';
import { clusterOf, node, pod } from '../testing/fixtures.ts';
import type { ClusterObjects } from './framework.ts';
import type { PodInfo } from './pod-info.ts';
import { planPreemption } from './preemption.ts';
import { selectNode } from './select-node.ts';

function plan(
  incoming: PodInfo,
  nodes: readonly (readonly [Node, ...PodInfo[]])[],
  objects: Partial<ClusterObjects> = {},
): string {
  const profile = buildProfile();
  const cluster = clusterOf(nodes, objects);
  const nominations = new Map();
  const selection = selectNode(incoming, profile, { cluster, nominations, random: seededRandom(1) });
  assert.ok(selection.node === undefined, 'it does not fit without');
  const result = planPreemption(incoming, { profile, cluster, nominations, diagnosis: selection.diagnosis });
  if (result.nodeName === undefined) return result.message;
  return `${result.nodeName}: ${result.victims.map(({ pod }) => pod.metadata.name).join(' ')}`;
}

const p = (
  name: string,
  priority: number,
  cpu = '1',
  spec: Partial<Pod['spec']> = {},
  startTime = '2026-01-01T00:00:00Z',
) => pod(name, { cpu, spec: { priority, ...spec }, status: { startTime } });
const n = (name: string, cpu = '2') => node(name, { cpu });

const cases: [string, PodInfo, (readonly [Node, ...PodInfo[]])[], string][] = [
  [
    'the least important go, the fewest that suffice',
    p('vip', 10),
    [[n('a'), p('low', 1), p('mid', 5)]],
    'a: low',
  ],
  ['as many as it takes', p('vip', 10, '2'), [[n('a'), p('low', 1), p('mid', 5)]], 'a: mid low'],
  [
    'the node whose most important victim is least important',
    p('vip', 10),
    [
      [n('a', '1'), p('x', 5)],
      [n('b', '1'), p('y', 2)],
    ],
    'b: y',
  ],
  [
    'then the fewest',
    p('vip', 10, '2'),
    [
      [n('a'), p('x', 5), p('y', 5)],
      [n('b'), p('z', 5, '2')],
    ],
    'b: z',
  ],
  [
    'then those that started last',
    p('vip', 10),
    [
      [n('a', '1'), p('x', 5)],
      [n('b', '1'), p('y', 5, '1', {}, '2026-02-01T00:00:00Z')],
    ],
    'b: y',
  ],
  [
    'equals are safe',
    p('vip', 5),
    [[n('a', '1'), p('x', 5)]],
    '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  ],
  [
    'where nothing helps nobody goes',
    p('vip', 10, '9'),
    [[n('a'), p('x', 1)]],
    '0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ],
  [
    'a polite pod waits',
    p('vip', 10, '1', { preemptionPolicy: 'Never' }),
    [[n('a', '1'), p('x', 1)]],
    'not eligible due to preemptionPolicy=Never.',
  ],
  [
    'while its victims are still going it takes no more',
    pod('vip', { cpu: '1', spec: { priority: 10 }, status: { nominatedNodeName: 'a' } }),
    [
      [
        n('a', '1'),
        pod('x', {
          cpu: '1',
          spec: { priority: 1 },
          metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
        }),
      ],
    ],
    'not eligible due to a terminating pod on the nominated node.',
  ],
];
for (const [name, incoming, nodes, want] of cases) {
  test(name, () => assert.equal(plan(incoming, nodes), want));
}

test('a victim may be chosen for what it forbids rather than for what it uses', () => {
  const requiredDuringSchedulingIgnoredDuringExecution = [
    { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'vip' } } },
  ];
  const jealous = p('jealous', 1, '100m', {
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution } },
  });
  const vip = pod('vip', { labels: { app: 'vip' }, spec: { priority: 10 } });
  assert.equal(plan(vip, [[n('a'), jealous, p('other', 1, '100m')]]), 'a: jealous');
});

test('disruption budgets are kept where another choice is left', () => {
  const budget = (disruptionsAllowed: number): PodDisruptionBudget => ({
    metadata: { name: 'b', uid: 'b', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { disruptionsAllowed },
  });
  const web = (name: string, priority: number) =>
    pod(name, { cpu: '1', labels: { app: 'web' }, spec: { priority } });
  const nodes = [
    [n('a', '1'), web('guarded', 1)],
    [n('b', '1'), p('free', 5)],
  ] as const;
  const vip = p('vip', 10);
  const under = (allowed: number) => ({ disruptionBudgets: () => [budget(allowed)] });
  assert.equal(plan(vip, nodes, under(1)), 'a: guarded');
  assert.equal(plan(vip, nodes, under(0)), 'b: free');
  assert.equal(plan(vip, [nodes[0]], under(0)), 'a: guarded', 'a budget does not stop an important pod');
  assert.equal(plan(vip, [[n('c', '2'), web('guarded', 1), p('other', 5)]], under(0)), 'c: other');
});
