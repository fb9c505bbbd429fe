import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus, Pod } from '../generated/types.ts';
import type { KubeObject } from '../meta.ts';
import { humanDuration } from './age.ts';
import { tableOf } from './index.ts';

const NOW = Date.parse('2026-01-31T09:00:00Z');
const SECOND = 1000;
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * SECOND).toISOString();
const meta = { name: 'x', namespace: 'ns', uid: 'u', resourceVersion: '7', creationTimestamp: at(300) };

function row(resource: string, group: string, fields: object, metadata: object = {}) {
  const object = { metadata: { ...meta, ...metadata }, ...fields } as KubeObject;
  const table = tableOf({ group, resource }, [object], { nowMs: NOW });
  assert.equal(table.rows[0]?.cells.length, table.columnDefinitions.length, 'TAB-1');
  return Object.fromEntries(table.columnDefinitions.map(({ name }, i) => [name, table.rows[0]?.cells[i]]));
}

test('ages are as coarse as kubectl shows them', () => {
  const [minute, hour, day, year] = [60, 3600, 86_400, 31_536_000];
  const cases: [seconds: number, want: string][] = [
    [-5, '<invalid>'],
    [-0.5, '0s'],
    [5, '5s'],
    [119, '119s'],
    [120, '2m'],
    [123, '2m3s'],
    [45 * minute, '45m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 12 * minute, '3h12m'],
    [47 * hour, '47h'],
    [2 * day + 4 * hour, '2d4h'],
    [40 * day, '40d'],
    [2 * year + 35 * day, '2y35d'],
    [9 * year, '9y'],
  ];
  for (const [seconds, want] of cases) assert.equal(humanDuration(seconds * SECOND), want, `${seconds}`);
});

type PodCase = [
  name: string,
  status: Pod['status'],
  spec: Partial<Pod['spec']>,
  metadata: object,
  want: string,
];

const running = (more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'c',
  image: 'i',
  imageID: '',
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const ended = (exitCode: number, reason?: string) =>
  running({ ready: false, state: { terminated: { exitCode, ...(reason !== undefined && { reason }) } } });
const waiting = (reason: string) => running({ ready: false, state: { waiting: { reason } } });
const sidecar = { name: 's', restartPolicy: 'Always' };
const ready = [{ type: 'Ready', status: 'True' }];

test('the status of a pod is what explains it best', () => {
  const cases: PodCase[] = [
    ['pending', { phase: 'Pending' }, {}, {}, '0/1 Pending 0'],
    ['running', { phase: 'Running', containerStatuses: [running()] }, {}, {}, '1/1 Running 0'],
    [
      'creating',
      { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] },
      {},
      {},
      '0/1 ContainerCreating 0',
    ],
    [
      'crash loop',
      {
        phase: 'Running',
        containerStatuses: [
          {
            ...waiting('CrashLoopBackOff'),
            restartCount: 3,
            lastState: { terminated: { exitCode: 1, finishedAt: at(300) } },
          },
        ],
      },
      {},
      {},
      '0/1 CrashLoopBackOff 3 (5m ago)',
    ],
    [
      'completed',
      { phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] },
      {},
      {},
      '0/1 Completed 0',
    ],
    ['exit code', { phase: 'Failed', containerStatuses: [ended(7)] }, {}, {}, '0/1 ExitCode:7 0'],
    [
      'one of two done, ready',
      { phase: 'Running', conditions: ready, containerStatuses: [ended(0, 'Completed'), running()] },
      {},
      {},
      '1/1 Running 0',
    ],
    [
      'one of two done, not ready',
      { phase: 'Running', containerStatuses: [ended(0, 'Completed'), running()] },
      {},
      {},
      '1/1 NotReady 0',
    ],
    [
      'init running',
      { phase: 'Pending', initContainerStatuses: [running({ name: 'i', ready: false })] },
      { initContainers: [{ name: 'i' }] },
      {},
      '0/1 Init:0/1 0',
    ],
    [
      'init failed',
      { phase: 'Pending', initContainerStatuses: [{ ...ended(1, 'Error'), name: 'i' }] },
      { initContainers: [{ name: 'i' }] },
      {},
      '0/1 Init:Error 0',
    ],
    [
      'init exit code',
      { phase: 'Pending', initContainerStatuses: [{ ...ended(3), name: 'i' }] },
      { initContainers: [{ name: 'i' }] },
      {},
      '0/1 Init:ExitCode:3 0',
    ],
    [
      'init done, pod initializing',
      {
        phase: 'Pending',
        initContainerStatuses: [{ ...ended(0, 'Completed'), name: 'i', restartCount: 4 }],
        containerStatuses: [waiting('PodInitializing')],
      },
      { initContainers: [{ name: 'i' }] },
      {},
      '0/1 PodInitializing 0',
    ],
    [
      'sidecar counts',
      {
        phase: 'Running',
        initContainerStatuses: [running({ name: 's', started: true, restartCount: 2 })],
        containerStatuses: [running()],
      },
      { initContainers: [sidecar] },
      {},
      '2/2 Running 2',
    ],
    [
      'terminating',
      { phase: 'Running', containerStatuses: [running()] },
      {},
      { deletionTimestamp: at(0) },
      '1/1 Terminating 0',
    ],
    ['lost', { phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: at(0) }, '0/1 Unknown 0'],
    ['evicted', { phase: 'Failed', reason: 'Evicted' }, {}, {}, '0/1 Evicted 0'],
    [
      'gated',
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
      },
      {},
      {},
      '0/1 SchedulingGated 0',
    ],
  ];
  for (const [name, status, spec, metadata, want] of cases) {
    const cells = row('pods', '', { spec: { containers: [{ name: 'c' }], ...spec }, status }, metadata);
    assert.equal(`${cells.Ready} ${cells.Status} ${cells.Restarts}`, want, name);
  }
});

test('a pod that has ended is marked Completed', () => {
  const pod = { metadata: meta, spec: { containers: [] }, status: { phase: 'Succeeded' } } as KubeObject;
  const [first] = tableOf({ group: '', resource: 'pods' }, [pod], { nowMs: NOW }).rows;
  assert.equal(first?.conditions?.[0]?.type, 'Completed');
});

test('nodes say whether they are ready, schedulable, and for what', () => {
  const cells = row(
    'nodes',
    '',
    {
      spec: { unschedulable: true },
      status: {
        conditions: ready,
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1' },
      },
    },
    { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } },
  );
  assert.equal(cells.Status, 'Ready,SchedulingDisabled');
  assert.equal(cells.Roles, 'control-plane,worker');
  assert.equal(cells['Internal-IP'], '10.0.0.1');
  assert.equal(cells['External-IP'], '<none>');
});

test('each kind has its own words', () => {
  const template = {
    metadata: {},
    spec: {
      containers: [
        { name: 'a', image: 'i:1' },
        { name: 'b', image: 'j:2' },
      ],
    },
  };
  const cases: [resource: string, group: string, fields: object, want: object][] = [
    [
      'deployments',
      'apps',
      {
        spec: { replicas: 3, template, selector: { matchLabels: { app: 'x' } } },
        status: { readyReplicas: 1, updatedReplicas: 2 },
      },
      {
        Name: 'x',
        Ready: '1/3',
        'Up-to-date': 2,
        Available: 0,
        Age: '5m',
        Containers: 'a,b',
        Images: 'i:1,j:2',
        Selector: 'app=x',
      },
    ],
    [
      'services',
      '',
      {
        spec: {
          type: 'LoadBalancer',
          clusterIP: '10.96.0.1',
          ports: [
            { port: 80, protocol: 'TCP', nodePort: 30_080 },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      {
        Name: 'x',
        Type: 'LoadBalancer',
        'Cluster-IP': '10.96.0.1',
        'External-IP': '<pending>',
        'Port(s)': '80:30080/TCP,53/UDP',
        Age: '5m',
        Selector: '<none>',
      },
    ],
    [
      'services',
      '',
      { spec: { type: 'ClusterIP', clusterIP: 'None', selector: { b: '2', a: '1' } } },
      {
        Name: 'x',
        Type: 'ClusterIP',
        'Cluster-IP': 'None',
        'External-IP': '<none>',
        'Port(s)': '<none>',
        Age: '5m',
        Selector: 'a=1,b=2',
      },
    ],
    [
      'endpoints',
      '',
      {
        subsets: [{ addresses: [{ ip: '1.1.1.1' }, { ip: '1.1.1.2' }], ports: [{ port: 80 }, { port: 81 }] }],
      },
      { Name: 'x', Endpoints: '1.1.1.1:80,1.1.1.2:80,1.1.1.1:81 + 1 more...', Age: '5m' },
    ],
    [
      'jobs',
      'batch',
      {
        spec: { completions: 2, template },
        status: {
          succeeded: 2,
          startTime: at(100),
          completionTime: at(90),
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      {
        Name: 'x',
        Status: 'Complete',
        Completions: '2/2',
        Duration: '10s',
        Age: '5m',
        Containers: 'a,b',
        Images: 'i:1,j:2',
        Selector: '<none>',
      },
    ],
    [
      'events',
      '',
      {
        involvedObject: { kind: 'Pod', name: 'web', fieldPath: 'spec' },
        reason: 'Started',
        message: ' hello ',
        type: 'Normal',
        source: { component: 'kubelet', host: 'n1' },
        firstTimestamp: at(60),
        lastTimestamp: at(10),
        count: 3,
      },
      {
        'Last Seen': '10s',
        Type: 'Normal',
        Reason: 'Started',
        Object: 'pod/web',
        Subobject: 'spec',
        Source: 'kubelet, n1',
        Message: 'hello',
        'First Seen': '60s',
        Count: 3,
        Name: 'x',
      },
    ],
    [
      'events',
      '',
      {
        involvedObject: { kind: 'Node' },
        eventTime: at(30),
        reportingComponent: 'scheduler',
        reportingInstance: 'n1',
      },
      {
        'Last Seen': '30s',
        Type: '',
        Reason: '',
        Object: 'node',
        Subobject: '',
        Source: 'scheduler, n1',
        Message: '',
        'First Seen': '30s',
        Count: 1,
        Name: 'x',
      },
    ],
    [
      'horizontalpodautoscalers',
      'autoscaling',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'web' },
          minReplicas: 1,
          maxReplicas: 5,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
            },
          ],
        },
      },
      {
        Name: 'x',
        Reference: 'Deployment/web',
        Targets: 'cpu: <unknown>/80%',
        MinPods: '1',
        MaxPods: 5,
        Replicas: 0,
        Age: '5m',
      },
    ],
    [
      'resourcequotas',
      '',
      { status: { hard: { pods: '10', 'limits.cpu': '4', cpu: '2' }, used: { pods: '3' } } },
      { Name: 'x', Request: 'cpu: 0/2, pods: 3/10', Limit: 'limits.cpu: 0/4', Age: '5m' },
    ],
    [
      'rolebindings',
      'rbac.authorization.k8s.io',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'ns' }],
      },
      { Name: 'x', Role: 'Role/r', Age: '5m', Users: '', Groups: '', ServiceAccounts: 'ns/s' },
    ],
    ['roles', 'rbac.authorization.k8s.io', {}, { Name: 'x', 'Created At': meta.creationTimestamp }],
  ];
  for (const [resource, group, fields, want] of cases)
    assert.deepEqual(row(resource, group, fields), want, resource);
});

test('rows carry what was asked for', () => {
  const object: KubeObject = { metadata: meta };
  const rows = (includeObject: 'Metadata' | 'Object' | 'None') =>
    tableOf({ group: '', resource: 'configmaps' }, [object], { nowMs: NOW, includeObject }).rows[0]?.object;
  assert.deepEqual(rows('Metadata'), {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: meta,
  });
  assert.equal(rows('Object'), object);
  assert.equal(rows('None'), null);
});
