import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { labelSetMatcher, type Node, type TopologySpreadConstraint } from '@kubelab/api';
import type { ClusterObjects, ScorePlugin } from '../core/framework.ts';
import type { PodInfo } from '../core/pod-info.ts';
import { clusterOf, node, pod, type PodWords } from '../testing/fixtures.ts';
import { balancedAllocation } from './balanced-allocation.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinityScore } from './inter-pod-affinity.ts';
import { leastAllocated, mostAllocated } from './least-allocated.ts';
import { nodeAffinityScore } from './node-affinity.ts';
import { podTopologySpreadScore } from './pod-topology-spread.ts';
import { taintTolerationScore } from './taint-toleration.ts';

type Placed = readonly [Node, ...PodInfo[]];

/** Final scores in the order of the nodes; undefined when the plugin has no opinion. */
function run(
  plugin: ScorePlugin,
  incoming: PodInfo,
  nodes: readonly Placed[],
  objects?: Partial<ClusterObjects>,
) {
  const cluster = clusterOf(nodes, objects);
  const scorer = plugin.score(incoming, cluster, cluster.nodes);
  const raw = scorer && cluster.nodes.map((each) => scorer.score(each));
  const scores = raw && (scorer.normalize?.(raw) ?? raw);
  for (const score of scores ?? [])
    assert.ok(Number.isInteger(score) && score >= 0 && score <= 100, `${score} is a score`);
  return scores;
}

describe('NodeResourcesFit', () => {
  const nodes: Placed[] = [
    [node('empty', { cpu: '4', memory: '4Gi' })],
    [node('half', { cpu: '4', memory: '4Gi' }), pod('q', { cpu: '2', memory: '2Gi' })],
  ];
  test('LeastAllocated prefers the emptier', () => {
    assert.deepEqual(run(leastAllocated, pod('p', { cpu: '1', memory: '1Gi' }), nodes), [75, 25]);
  });
  test('MostAllocated prefers the fuller', () => {
    assert.deepEqual(run(mostAllocated, pod('p', { cpu: '1', memory: '1Gi' }), nodes), [25, 75]);
  });
  test('pods that ask for nothing still count for something', () => {
    const crowd = Array.from({ length: 10 }, (_, i) => pod(`q${i}`));
    const [crowded = 0, empty = 0] =
      run(leastAllocated, pod('p'), [[node('a'), ...crowd], [node('b')]]) ?? [];
    assert.ok(crowded < empty);
  });
});

test('NodeResourcesBalancedAllocation prefers where cpu and memory are used alike', () => {
  const nodes: Placed[] = [
    [node('even', { cpu: '4', memory: '4Gi' })],
    [node('odd', { cpu: '4', memory: '4Gi' }), pod('q', { cpu: '2' })],
  ];
  assert.deepEqual(run(balancedAllocation, pod('p', { cpu: '1', memory: '1Gi' }), nodes), [100, 75]);
  assert.equal(run(balancedAllocation, pod('p'), nodes), undefined);
});

test('TaintToleration prefers fewer untolerated PreferNoSchedule taints', () => {
  const taint = (key: string) => ({ key, effect: 'PreferNoSchedule' });
  const nodes: Placed[] = [
    [node('none')],
    [node('one', { spec: { taints: [taint('a')] } })],
    [node('two', { spec: { taints: [taint('a'), taint('b')] } })],
  ];
  assert.deepEqual(run(taintTolerationScore, pod('p'), nodes), [100, 50, 0]);
  const tolerations = [{ key: 'a', operator: 'Exists' }];
  assert.deepEqual(run(taintTolerationScore, pod('p', { spec: { tolerations } }), nodes), [100, 100, 0]);
});

test('NodeAffinity adds up the weights of preferred terms', () => {
  const prefer = (weight: number, key: string) => ({
    weight,
    preference: { matchExpressions: [{ key, operator: 'Exists' }] },
  });
  const preferred = [prefer(20, 'ssd'), prefer(60, 'gpu')];
  const incoming = pod('p', {
    spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } },
  });
  const labelled = (name: string, ...keys: string[]): Placed => [
    node(name, { labels: Object.fromEntries(keys.map((key) => [key, ''])) }),
  ];
  assert.deepEqual(
    run(nodeAffinityScore, incoming, [labelled('a'), labelled('b', 'ssd'), labelled('c', 'ssd', 'gpu')]),
    [0, 25, 100],
  );
  assert.equal(run(nodeAffinityScore, pod('p'), [labelled('a')]), undefined);
});

describe('PodTopologySpread', () => {
  const labels = { app: 'web' };
  const web = (name: string) => pod(name, { labels });
  const ownerSelector = () => labelSetMatcher(labels);
  test('by default pods of one service spread over hosts, without zones too', () => {
    const nodes: Placed[] = [[node('a'), web('1'), web('2')], [node('b'), web('3')], [node('c')]];
    const [a = 0, b = 0, c = 0] = run(podTopologySpreadScore, web('p'), nodes, { ownerSelector }) ?? [];
    assert.ok(a < b && b < c, `${a} ${b} ${c}`);
  });
  test('by default zones count as well', () => {
    const zoned = (name: string, zone: string, ...pods: PodInfo[]): Placed => [
      node(name, { labels: { 'topology.kubernetes.io/zone': zone } }),
      ...pods,
    ];
    const nodes = [zoned('a', 'x', web('1')), zoned('b', 'x'), zoned('c', 'y')];
    const [a = 0, b = 0, c = 0] = run(podTopologySpreadScore, web('p'), nodes, { ownerSelector }) ?? [];
    assert.ok(a < b && b < c, `${a} ${b} ${c}`);
  });
  test('a pod nobody owns has no opinion', () => {
    assert.equal(run(podTopologySpreadScore, web('p'), [[node('a')]]), undefined);
  });
  test('an explicit soft constraint replaces the default, and nodes without its key come last', () => {
    const constraint: TopologySpreadConstraint = {
      topologyKey: 'rack',
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: labels },
    };
    const incoming = pod('p', { labels, spec: { topologySpreadConstraints: [constraint] } });
    const rack = (name: string, value: string, ...pods: PodInfo[]): Placed => [
      node(name, { labels: { rack: value } }),
      ...pods,
    ];
    const [a = 0, b = 0, c = 0] =
      run(podTopologySpreadScore, incoming, [rack('a', '1', web('1')), rack('b', '2'), [node('c')]], {
        ownerSelector,
      }) ?? [];
    assert.ok(b > a && c === 0, `${a} ${b} ${c}`);
  });
});

describe('InterPodAffinity', () => {
  const preferred = (kind: 'podAffinity' | 'podAntiAffinity', app: string): PodWords => ({
    spec: {
      affinity: {
        [kind]: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 10,
              podAffinityTerm: {
                topologyKey: 'kubernetes.io/hostname',
                labelSelector: { matchLabels: { app } },
              },
            },
          ],
        },
      },
    },
  });
  const nodes: Placed[] = [[node('a'), pod('db', { labels: { app: 'db' } })], [node('b')]];
  test('draws near what the pod prefers', () =>
    assert.deepEqual(run(interPodAffinityScore, pod('p', preferred('podAffinity', 'db')), nodes), [100, 0]));
  test('and away from what it avoids', () =>
    assert.deepEqual(
      run(interPodAffinityScore, pod('p', preferred('podAntiAffinity', 'db')), nodes),
      [0, 100],
    ));
  test('and listens to those already there', () => {
    const lonely: Placed[] = [[node('a'), pod('q', preferred('podAntiAffinity', 'web'))], [node('b')]];
    assert.deepEqual(run(interPodAffinityScore, pod('p', { labels: { app: 'web' } }), lonely), [0, 100]);
  });
  test('has no opinion where nobody prefers anything', () =>
    assert.equal(run(interPodAffinityScore, pod('p'), nodes), undefined));
});

test('ImageLocality prefers nodes that have big images already', () => {
  const MB = 1024 * 1024;
  const nodes: Placed[] = [
    [node('has', { images: { 'app:1': 800 * MB } })],
    [node('has-too', { images: { 'app:1': 800 * MB, 'tool:latest': 500 * MB } })],
    [node('has-not')],
  ];
  const [a = 0, b = 0, c = 0] = run(imageLocality, pod('p', { image: 'app:1' }), nodes) ?? [];
  assert.ok(a > 0 && a === b && c === 0, `${a} ${b} ${c}`);
  const untagged = run(imageLocality, pod('p', { image: 'tool' }), nodes) ?? [];
  assert.ok((untagged[1] ?? 0) > 0, 'a missing tag means latest');
  assert.equal(run(imageLocality, pod('p', { image: 'nowhere:1' }), nodes), undefined);
});
