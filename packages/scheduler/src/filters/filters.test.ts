import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodAffinityTerm,
  StorageClass,
  Toleration,
  TopologySpreadConstraint,
} from '@kubelab/api';
import type { ClusterObjects, FilterPlugin } from '../core/framework.ts';
import type { PodInfo } from '../core/pod-info.ts';
import { clusterOf, node, pod, type PodWords } from '../testing/fixtures.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { podTopologySpread } from './pod-topology-spread.ts';
import { taintToleration } from './taint-toleration.ts';
import { volumeBinding } from './volume-binding.ts';

type Placed = readonly [Node, ...PodInfo[]];

/** Node name → the reasons against it; no entry where it fits. `*` when the pod is turned away altogether. */
function run(
  plugin: FilterPlugin,
  incoming: PodInfo,
  nodes: readonly Placed[],
  objects?: Partial<ClusterObjects>,
) {
  const cluster = clusterOf(nodes, objects);
  const judge = plugin.filter(incoming, cluster);
  if (judge === undefined) return {};
  if (typeof judge !== 'function') return { '*': judge.reasons.join() };
  const reasons: Record<string, string> = {};
  for (const each of cluster.nodes) {
    const rejection = judge(each);
    if (rejection !== undefined) reasons[each.name] = rejection.reasons.join();
  }
  return reasons;
}

describe('NodeUnschedulable', () => {
  const cordoned = node('n', { spec: { unschedulable: true } });
  const key = 'node.kubernetes.io/unschedulable';
  const cases: [string, Toleration[], Record<string, string>][] = [
    ['keeps pods from a cordoned node', [], { n: 'node(s) were unschedulable' }],
    ['lets in who tolerates the taint', [{ key, operator: 'Exists', effect: 'NoSchedule' }], {}],
    ['lets in who tolerates everything', [{ operator: 'Exists' }], {}],
  ];
  for (const [name, tolerations, want] of cases) {
    test(name, () =>
      assert.deepEqual(run(nodeUnschedulable, pod('p', { spec: { tolerations } }), [[cordoned]]), want),
    );
  }
  test('has nothing against other nodes', () =>
    assert.deepEqual(run(nodeUnschedulable, pod('p'), [[node('n')]]), {}));
});

test('NodeName takes only the named node', () => {
  const why = "node(s) didn't match the requested node name";
  assert.deepEqual(run(nodeName, pod('p', { spec: { nodeName: 'b' } }), [[node('a')], [node('b')]]), {
    a: why,
  });
  assert.deepEqual(run(nodeName, pod('p'), [[node('a')]]), {});
});

describe('TaintToleration', () => {
  const tainted = (effect: string, value = 'v') =>
    node('n', { spec: { taints: [{ key: 'k', value, effect }] } });
  const why = { n: 'node(s) had untolerated taint {k: v}' };
  const cases: [string, Node, Toleration[], Record<string, string>][] = [
    ['NoSchedule repels', tainted('NoSchedule'), [], why],
    ['NoExecute repels', tainted('NoExecute'), [], why],
    ['PreferNoSchedule does not', tainted('PreferNoSchedule'), [], {}],
    [
      'equal key, value and effect tolerate',
      tainted('NoSchedule'),
      [{ key: 'k', value: 'v', effect: 'NoSchedule' }],
      {},
    ],
    ['another value does not', tainted('NoSchedule'), [{ key: 'k', operator: 'Equal', value: 'w' }], why],
    [
      'another effect does not',
      tainted('NoSchedule'),
      [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }],
      why,
    ],
    ['Exists tolerates any value', tainted('NoExecute'), [{ key: 'k', operator: 'Exists' }], {}],
    ['Exists without key tolerates all', tainted('NoExecute'), [{ operator: 'Exists' }], {}],
    ['an empty toleration tolerates nothing', tainted('NoSchedule'), [{}], why],
  ];
  for (const [name, each, tolerations, want] of cases) {
    test(name, () =>
      assert.deepEqual(run(taintToleration, pod('p', { spec: { tolerations } }), [[each]]), want),
    );
  }
});

describe('NodeAffinity', () => {
  const nodes: Placed[] = [
    [node('a', { labels: { zone: 'x', cores: '8' } })],
    [node('b', { labels: { zone: 'y', cores: '16' } })],
    [node('c')],
  ];
  const required = (...nodeSelectorTerms: object[]): PodWords => ({
    spec: {
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    },
  });
  const term = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  const cases: [string, PodWords, string][] = [
    ['without wishes all fit', {}, ''],
    ['nodeSelector', { spec: { nodeSelector: { zone: 'x' } } }, 'b c'],
    ['In', required(term('zone', 'In', 'x', 'z')), 'b c'],
    ['NotIn is met by nodes without the label', required(term('zone', 'NotIn', 'x')), 'a'],
    ['Exists', required(term('zone', 'Exists')), 'c'],
    ['DoesNotExist', required(term('zone', 'DoesNotExist')), 'a b'],
    ['Gt', required(term('cores', 'Gt', '8')), 'a c'],
    ['Lt', required(term('cores', 'Lt', '9')), 'b c'],
    ['terms are alternatives', required(term('zone', 'In', 'x'), term('zone', 'DoesNotExist')), 'b'],
    [
      'expressions of one term all count',
      required({
        matchExpressions: [
          ...term('zone', 'Exists').matchExpressions,
          ...term('cores', 'Gt', '8').matchExpressions,
        ],
      }),
      'a c',
    ],
    [
      'matchFields names a node',
      required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['c'] }] }),
      'a b',
    ],
    ['an empty term matches nothing', required({}), 'a b c'],
    [
      'selector and affinity both count',
      { spec: { nodeSelector: { zone: 'y' }, ...required(term('cores', 'Lt', '9')).spec } },
      'a b c',
    ],
  ];
  for (const [name, words, out] of cases) {
    test(name, () => {
      const got = run(nodeAffinity, pod('p', words), nodes);
      assert.equal(Object.keys(got).join(' '), out);
      for (const why of Object.values(got))
        assert.equal(why, "node(s) didn't match Pod's node affinity/selector");
    });
  }
});

describe('NodePorts', () => {
  const ported = (name: string, hostPort: number, protocol = 'TCP', hostIP?: string) =>
    pod(name, {
      spec: {
        containers: [
          {
            name: 'c',
            image: 'x',
            ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP === undefined ? {} : { hostIP }) }],
          },
        ],
      },
    });
  const why = { n: "node(s) didn't have free ports for the requested pod ports" };
  const cases: [string, PodInfo, PodInfo, Record<string, string>][] = [
    ['the same port clashes', ported('p', 80), ported('q', 80), why],
    ['another port does not', ported('p', 81), ported('q', 80), {}],
    ['another protocol does not', ported('p', 80, 'UDP'), ported('q', 80), {}],
    ['another address does not', ported('p', 80, 'TCP', '10.0.0.1'), ported('q', 80, 'TCP', '10.0.0.2'), {}],
    ['all addresses include any', ported('p', 80), ported('q', 80, 'TCP', '10.0.0.2'), why],
    ['a pod without host ports fits', pod('p'), ported('q', 80), {}],
  ];
  for (const [name, incoming, there, want] of cases) {
    test(name, () => assert.deepEqual(run(nodePorts, incoming, [[node('n'), there]]), want));
  }
});

describe('NodeResourcesFit', () => {
  const small = node('n', { cpu: '2', memory: '1Gi', pods: '2', extra: { 'example.com/gpu': '1' } });
  const init = (cpu: string, restartPolicy?: string) => ({
    name: 'i',
    image: 'x',
    resources: { requests: { cpu } },
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const cases: [string, PodInfo, PodInfo[], string][] = [
    ['what is free to the last milli fits', pod('p', { cpu: '1500m' }), [pod('q', { cpu: '500m' })], ''],
    ['one milli more does not', pod('p', { cpu: '1501m' }), [pod('q', { cpu: '500m' })], 'Insufficient cpu'],
    ['memory counts', pod('p', { memory: '1025Mi' }), [], 'Insufficient memory'],
    [
      'several at once are all told',
      pod('p', { cpu: '3', memory: '2Gi' }),
      [],
      'Insufficient cpu,Insufficient memory',
    ],
    [
      'the number of pods counts, also of those that ask for nothing',
      pod('p'),
      [pod('q'), pod('r')],
      'Too many pods',
    ],
    [
      'extended resources count',
      pod('p', { requests: { 'example.com/gpu': '1' } }),
      [pod('q', { requests: { 'example.com/gpu': '1' } })],
      'Insufficient example.com/gpu',
    ],
    [
      'unknown resources are not there',
      pod('p', { requests: { 'example.com/fpga': '1' } }),
      [],
      'Insufficient example.com/fpga',
    ],
    [
      'ephemeral storage counts',
      pod('p', { requests: { 'ephemeral-storage': '101Gi' } }),
      [],
      'Insufficient ephemeral-storage',
    ],
    [
      'an init container counts by its own',
      pod('p', { cpu: '1', spec: { initContainers: [init('3')] } }),
      [],
      'Insufficient cpu',
    ],
    ['a request of zero always fits', pod('p', { cpu: '0' }), [pod('q', { cpu: '2' })], ''],
  ];
  for (const [name, incoming, there, want] of cases) {
    test(name, () =>
      assert.deepEqual(run(nodeResourcesFit, incoming, [[small, ...there]]), want === '' ? {} : { n: want }),
    );
  }
  test('a sidecar runs beside the containers and adds to them', () => {
    const words = (restartPolicy?: string) => ({
      cpu: '1500m',
      spec: { initContainers: [init('1', restartPolicy)] },
    });
    assert.deepEqual(run(nodeResourcesFit, pod('p', words()), [[small]]), {});
    assert.deepEqual(run(nodeResourcesFit, pod('p', words('Always')), [[small]]), { n: 'Insufficient cpu' });
  });
});

describe('PodTopologySpread', () => {
  const labels = { app: 'web' };
  const web = (name: string) => pod(name, { labels });
  const zoned = (name: string, zone?: string, ...pods: PodInfo[]): Placed => [
    node(name, zone === undefined ? {} : { labels: { zone } }),
    ...pods,
  ];
  const spread = (more: Partial<TopologySpreadConstraint> = {}, words: PodWords = {}) => {
    const constraint = {
      topologyKey: 'zone',
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: labels },
      ...more,
    };
    return pod('p', { labels, ...words, spec: { ...words.spec, topologySpreadConstraints: [constraint] } });
  };
  const why = "node(s) didn't match pod topology spread constraints";
  const two: Placed[] = [zoned('a', 'x', web('1'), web('2')), zoned('b', 'x'), zoned('c', 'y', web('3'))];
  const cases: [string, PodInfo, Placed[], Record<string, string>][] = [
    ['the fuller zone is out, with all its nodes', spread(), two, { a: why, b: why }],
    ['a larger skew is allowed', spread({ maxSkew: 2 }), two, {}],
    ["ScheduleAnyway is the score's business", spread({ whenUnsatisfiable: 'ScheduleAnyway' }), two, {}],
    [
      'a node without the label is out',
      spread(),
      [zoned('a', 'x'), zoned('b')],
      { b: `${why} (missing required label)` },
    ],
    ['pods of other namespaces do not count', spread({}, { namespace: 'other' }), two, {}],
    [
      'a pod that its own selector leaves out adds nothing',
      spread({}, { labels: {} }),
      [zoned('a', 'x', web('1')), zoned('c', 'y')],
      {},
    ],
    [
      'too few domains count as one empty',
      spread({ minDomains: 3 }),
      [zoned('a', 'x', web('1')), zoned('c', 'y', web('2'))],
      { a: why, c: why },
    ],
    [
      'nodes the pod cannot go to do not count',
      spread({}, { spec: { nodeSelector: { zone: 'x' } } }),
      [zoned('a', 'x', web('1')), zoned('c', 'y')],
      {},
    ],
    [
      'unless told so',
      spread({ nodeAffinityPolicy: 'Ignore' }, { spec: { nodeSelector: { zone: 'x' } } }),
      [zoned('a', 'x', web('1')), zoned('c', 'y')],
      { a: why },
    ],
    [
      'matchLabelKeys count only pods of the same revision',
      spread({ matchLabelKeys: ['rev'] }, { labels: { app: 'web', rev: '2' } }),
      [zoned('a', 'x', web('1'), web('2')), zoned('c', 'y')],
      {},
    ],
    [
      'pods on their way out do not count',
      spread(),
      [
        zoned('a', 'x', pod('1', { labels, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })),
        zoned('c', 'y'),
      ],
      {},
    ],
  ];
  for (const [name, incoming, nodes, want] of cases) {
    test(name, () => assert.deepEqual(run(podTopologySpread, incoming, nodes), want));
  }
});

describe('InterPodAffinity', () => {
  const term = (app: string, more: Partial<PodAffinityTerm> = {}) => ({
    topologyKey: 'zone',
    labelSelector: { matchLabels: { app } },
    ...more,
  });
  const affine = (kind: 'podAffinity' | 'podAntiAffinity', terms: PodAffinityTerm[], words: PodWords = {}) =>
    pod('p', {
      ...words,
      spec: { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } } },
    });
  const app = (name: string, namespace = 'default') => pod(name, { labels: { app: name }, namespace });
  const nodes = (...pods: PodInfo[]): Placed[] => [
    [node('a', { labels: { zone: 'x' } }), ...pods],
    [node('b', { labels: { zone: 'x' } })],
    [node('c', { labels: { zone: 'y' } })],
    [node('d')],
  ];
  const near = "node(s) didn't match pod affinity rules";
  const far = "node(s) didn't match pod anti-affinity rules";
  const existing = "node(s) didn't satisfy existing pods anti-affinity rules";
  const inShop = { namespaceLabels: (name: string) => (name === 'shop' ? { team: 'shop' } : undefined) };
  const cases: [string, PodInfo, Placed[], Record<string, string>][] = [
    [
      'affinity draws into the zone of the other',
      affine('podAffinity', [term('db')]),
      nodes(app('db')),
      { c: near, d: near },
    ],
    [
      'nobody there: nowhere to go',
      affine('podAffinity', [term('db')]),
      nodes(),
      { a: near, b: near, c: near, d: near },
    ],
    [
      'the first of a group that wants itself may go anywhere with the label',
      affine('podAffinity', [term('web')], { labels: { app: 'web' } }),
      nodes(),
      { d: near },
    ],
    [
      'all terms must hold',
      affine('podAffinity', [term('db'), term('cache')]),
      nodes(app('db')),
      { a: near, b: near, c: near, d: near },
    ],
    [
      'anti-affinity keeps out of the zone',
      affine('podAntiAffinity', [term('db')]),
      nodes(app('db')),
      { a: far, b: far },
    ],
    [
      'pods of other namespaces do not count',
      affine('podAntiAffinity', [term('db')]),
      nodes(app('db', 'shop')),
      {},
    ],
    [
      'unless named',
      affine('podAntiAffinity', [term('db', { namespaces: ['shop'] })]),
      nodes(app('db', 'shop')),
      { a: far, b: far },
    ],
    [
      'or selected',
      affine('podAntiAffinity', [term('db', { namespaceSelector: { matchLabels: { team: 'shop' } } })]),
      nodes(app('db', 'shop')),
      { a: far, b: far },
    ],
    [
      'an empty namespace selector means all',
      affine('podAntiAffinity', [term('db', { namespaceSelector: {} })]),
      nodes(app('db', 'any')),
      { a: far, b: far },
    ],
    [
      'who is there may object',
      pod('web', { labels: { app: 'web' } }),
      nodes(affine('podAntiAffinity', [term('web')])),
      { a: existing, b: existing },
    ],
    ['a plain pod among plain pods is not looked at', pod('web'), nodes(app('db')), {}],
  ];
  for (const [name, incoming, placed, want] of cases) {
    test(name, () => assert.deepEqual(run(interPodAffinity, incoming, placed, inShop), want));
  }
});

describe('VolumeBinding', () => {
  const claim = (spec: object, metadata: object = {}) =>
    ({ metadata: { name: 'data', ...metadata }, spec }) as PersistentVolumeClaim;
  const required = {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['x'] }] }],
  };
  const volume = { metadata: { name: 'pv' }, spec: { nodeAffinity: { required } } } as PersistentVolume;
  const late = {
    metadata: { name: 'late' },
    provisioner: 'p',
    volumeBindingMode: 'WaitForFirstConsumer',
  } as StorageClass;
  const incoming = pod('p', {
    spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
  });
  const nodes: Placed[] = [[node('a', { labels: { zone: 'x' } })], [node('b', { labels: { zone: 'y' } })]];
  const cases: [string, PersistentVolumeClaim | undefined, Record<string, string>][] = [
    ['a claim that is not there', undefined, { '*': 'persistentvolumeclaim "data" not found' }],
    [
      'a claim on its way out',
      claim({}, { deletionTimestamp: 'x' }),
      { '*': 'persistentvolumeclaim "data" is being deleted' },
    ],
    ['an unbound claim', claim({}), { '*': 'pod has unbound immediate PersistentVolumeClaims' }],
    ['one that waits for its first consumer fits anywhere', claim({ storageClassName: 'late' }), {}],
    [
      'a bound one goes where its volume is',
      claim({ volumeName: 'pv' }),
      { b: "node(s) didn't match PersistentVolume's node affinity" },
    ],
    [
      'a volume that is not there',
      claim({ volumeName: 'lost' }),
      { '*': 'persistentvolume "lost" not found' },
    ],
  ];
  for (const [name, each, want] of cases) {
    test(name, () => {
      const objects = {
        volumeClaim: () => each,
        volume: (wanted: string) => (wanted === 'pv' ? volume : undefined),
        storageClass: (wanted: string) => (wanted === 'late' ? late : undefined),
      };
      assert.deepEqual(run(volumeBinding, incoming, nodes, objects), want);
    });
  }
  test('pods without claims are not looked at', () =>
    assert.deepEqual(run(volumeBinding, pod('p'), nodes), {}));
});
