import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults } from '../defaults/index.ts';
import { fieldErrorMessage } from '../field-errors.ts';
import type { KubeObject } from '../meta.ts';
import { cronError } from './cron.ts';
import { validate } from './index.ts';

const RESOURCES = {
  pods: ['', true],
  configmaps: ['', true],
  secrets: ['', true],
  services: ['', true],
  endpoints: ['', true],
  namespaces: ['', false],
  nodes: ['', false],
  events: ['', true],
  persistentvolumeclaims: ['', true],
  persistentvolumes: ['', false],
  replicationcontrollers: ['', true],
  resourcequotas: ['', true],
  limitranges: ['', true],
  serviceaccounts: ['', true],
  deployments: ['apps', true],
  replicasets: ['apps', true],
  statefulsets: ['apps', true],
  daemonsets: ['apps', true],
  jobs: ['batch', true],
  cronjobs: ['batch', true],
  horizontalpodautoscalers: ['autoscaling', true],
  leases: ['coordination.k8s.io', true],
  endpointslices: ['discovery.k8s.io', true],
  ingresses: ['networking.k8s.io', true],
  networkpolicies: ['networking.k8s.io', true],
  poddisruptionbudgets: ['policy', true],
  roles: ['rbac.authorization.k8s.io', true],
  rolebindings: ['rbac.authorization.k8s.io', true],
  priorityclasses: ['scheduling.k8s.io', false],
  storageclasses: ['storage.k8s.io', false],
  certificatesigningrequests: ['certificates.k8s.io', false],
} as const;
type Resource = keyof typeof RESOURCES;

function object(resource: Resource, fields: object, metadata: object = {}): KubeObject {
  const [group, namespaced] = RESOURCES[resource];
  const meta = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const made = structuredClone({
    metadata: { ...meta, ...(namespaced && { namespace: 'ns' }), ...metadata },
    ...fields,
  }) as KubeObject;
  applyDefaults({ group, resource }, made);
  return made;
}

function messages(resource: Resource, given: KubeObject, old?: KubeObject, subresource?: string): string[] {
  const [group, namespaced] = RESOURCES[resource];
  const before = structuredClone(given);
  const found = validate({ group, resource, namespaced }, given, old, subresource).map(fieldErrorMessage);
  assert.deepEqual(given, before, 'VAL-1');
  return found;
}

const podSpec = { containers: [{ name: 'c', image: 'nginx:1' }] };
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: podSpec };
const selector = { matchLabels: labels };
const onceTemplate = { metadata: { labels }, spec: { ...podSpec, restartPolicy: 'Never' } };

const GOOD: [resource: Resource, fields: object][] = [
  ['pods', { spec: podSpec }],
  ['configmaps', { data: { 'a.b': '1' } }],
  ['secrets', { stringData: { a: 'b' } }],
  ['services', { spec: { selector: labels, ports: [{ port: 80 }] } }],
  ['services', { spec: { clusterIP: 'None' } }],
  ['services', { spec: { type: 'ExternalName', externalName: 'a.example.com' } }],
  ['endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['namespaces', {}],
  ['nodes', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }],
  ['events', { involvedObject: { kind: 'Pod', namespace: 'ns', name: 'x' } }],
  [
    'persistentvolumeclaims',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  ],
  [
    'persistentvolumes',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/a' } } },
  ],
  ['replicationcontrollers', { spec: { template } }],
  [
    'resourcequotas',
    { spec: { hard: { pods: '3', 'requests.cpu': '500m', 'count/deployments.apps': '1' } } },
  ],
  ['limitranges', { spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '100m' } }] } }],
  ['serviceaccounts', {}],
  ['deployments', { spec: { selector, template } }],
  ['replicasets', { spec: { selector, template } }],
  ['statefulsets', { spec: { selector, template, serviceName: 'x' } }],
  ['daemonsets', { spec: { selector, template } }],
  ['jobs', { spec: { selector, template: onceTemplate } }],
  [
    'cronjobs',
    {
      spec: {
        schedule: '*/5 * * * *',
        timeZone: 'Europe/Berlin',
        jobTemplate: { spec: { template: onceTemplate } },
      },
    },
  ],
  [
    'horizontalpodautoscalers',
    { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web' } } },
  ],
  ['leases', { spec: { leaseDurationSeconds: 4 } }],
  [
    'endpointslices',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] },
  ],
  [
    'ingresses',
    {
      spec: {
        rules: [
          {
            host: '*.a.b',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    },
  ],
  ['networkpolicies', { spec: { ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }] } }],
  ['poddisruptionbudgets', { spec: { minAvailable: '50%', selector } }],
  ['roles', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }],
  ['rolebindings', { roleRef: { kind: 'Role', name: 'a:b' }, subjects: [{ kind: 'Group', name: 'g' }] }],
  ['priorityclasses', { value: 10 }],
  ['storageclasses', { provisioner: 'example.com/x' }],
];

test('VAL-1 what is right passes as it is, new or unchanged', () => {
  for (const [resource, fields] of GOOD) {
    const given = object(resource, fields);
    assert.deepEqual(messages(resource, given), [], resource);
    assert.deepEqual(messages(resource, structuredClone(given), given), [], `${resource} unchanged`);
  }
});

test('what is wrong is named by path and sentence', () => {
  const container = (more: object) => ({ spec: { containers: [{ name: 'c', image: 'i:1', ...more }] } });
  const cases: [resource: Resource, fields: object, want: string[]][] = [
    ['pods', {}, ['spec.containers: Required value']],
    ['pods', container({ name: '' }), ['spec.containers[0].name: Required value']],
    ['pods', container({ image: '' }), ['spec.containers[0].image: Required value']],
    [
      'pods',
      container({ imagePullPolicy: 'Sometimes' }),
      [
        'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      ],
    ],
    [
      'pods',
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      ],
    ],
    [
      'pods',
      container({ volumeMounts: [{ name: 'v', mountPath: '/a' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'pods',
      container({ ports: [{ containerPort: 99_999 }] }),
      [
        'spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      'pods',
      container({ livenessProbe: {} }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'pods',
      { spec: { ...podSpec, restartPolicy: 'Maybe' } },
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'pods',
      { spec: { ...podSpec, initContainers: [{ name: 'c', image: 'i:1' }] } },
      ['spec.initContainers[0].name: Duplicate value: "c"'],
    ],
    [
      'pods',
      { spec: { ...podSpec, tolerations: [{ value: 'a' }] } },
      [
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, ' +
          'which means "match all values and all keys"',
      ],
    ],
    ['deployments', {}, ['spec: Required value']],
    [
      'deployments',
      { spec: { replicas: -1, selector, template } },
      ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'deployments',
      { spec: { selector: { matchLabels: { app: 'db' } }, template } },
      [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    ['deployments', { spec: { template } }, ['spec.selector: Required value']],
    [
      'deployments',
      { spec: { selector, template: onceTemplate } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'deployments',
      {
        spec: {
          selector,
          template,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
        },
      },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      'jobs',
      { spec: { selector, template } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'cronjobs',
      { spec: { schedule: '* * * *', jobTemplate: { spec: { template: onceTemplate } } } },
      ['spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
    ],
    ['services', { spec: {} }, ['spec.ports: Required value']],
    [
      'services',
      { spec: { type: 'Other', ports: [{ port: 80 }] } },
      [
        'spec.type: Unsupported value: "Other": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      'services',
      { spec: { ports: [{ port: 80 }, { port: 81 }] } },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'configmaps',
      { data: { 'a/b': '1' } },
      [
        "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
          "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ],
    ],
    [
      'secrets',
      { type: 'kubernetes.io/tls' },
      ['data[tls.crt]: Required value', 'data[tls.key]: Required value'],
    ],
    [
      'rolebindings',
      { roleRef: { kind: 'Thing', name: 'r' } },
      ['roleRef.kind: Unsupported value: "Thing": supported values: "ClusterRole", "Role"'],
    ],
    [
      'roles',
      { rules: [{ apiGroups: [''], resources: ['pods'] }] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'poddisruptionbudgets',
      { spec: { minAvailable: '150%' } },
      ['spec.minAvailable: Invalid value: "150%": must not be greater than 100%'],
    ],
    [
      'persistentvolumes',
      { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1' } } },
      ['spec: Required value: must specify a volume type'],
    ],
    [
      'events',
      { involvedObject: { namespace: 'other' } },
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
    [
      'horizontalpodautoscalers',
      { spec: { maxReplicas: 1, minReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'x' } } },
      ['spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`'],
    ],
    [
      'limitranges',
      { spec: { limits: [{ type: 'Pod', max: { cpu: '1' }, min: { cpu: '2' } }] } },
      ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
    ],
    [
      'priorityclasses',
      { value: 2_000_000_000 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
  ];
  for (const [resource, fields, want] of cases) {
    assert.deepEqual(
      messages(resource, object(resource, fields)),
      want,
      `${resource} ${JSON.stringify(fields)}`,
    );
  }
});

test('metadata is checked for every kind', () => {
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const cases: [resource: Resource, metadata: object, want: string[]][] = [
    ['serviceaccounts', { name: '' }, ['metadata.name: Required value: name or generateName is required']],
    ['serviceaccounts', { namespace: undefined }, ['metadata.namespace: Required value']],
    ['namespaces', { namespace: 'ns' }, ['metadata.namespace: Forbidden: not allowed on this type']],
    ['namespaces', { name: 'A_b' }, [`metadata.name: Invalid value: "A_b": ${label}`]],
    ['namespaces', { name: 'a.b' }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
    ['roles', { name: 'system:a' }, []],
    ['roles', { name: 'a/b' }, ['metadata.name: Invalid value: "a/b": may not contain \'/\'']],
    [
      'cronjobs',
      { name: 'x'.repeat(53) },
      [`metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`],
    ],
    [
      'serviceaccounts',
      { finalizers: ['mine'] },
      [
        'metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    ],
    [
      'serviceaccounts',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] },
      ['metadata.ownerReferences[0].uid: Invalid value: "": uid must not be empty'],
    ],
  ];
  const fieldsOf = (resource: Resource) => GOOD.find(([name]) => name === resource)?.[1] ?? {};
  for (const [resource, metadata, want] of cases) {
    const given = object(resource, fieldsOf(resource), metadata);
    // The default of a namespace's label follows its name, and may not be a label value.
    if (resource === 'namespaces') delete given.metadata.labels;
    assert.deepEqual(messages(resource, given), want, JSON.stringify(metadata));
  }
});

test('what may not change is refused on update', () => {
  const good = (resource: Resource) => GOOD.find(([name]) => name === resource)?.[1] as Record<string, never>;
  const cases: [name: string, resource: Resource, before: object, after: object, want: RegExp | undefined][] =
    [
      [
        'selector',
        'deployments',
        good('deployments'),
        {
          spec: {
            selector: { matchLabels: { ...labels, b: 'c' } },
            template: { ...template, metadata: { labels: { ...labels, b: 'c' } } },
          },
        },
        /^spec\.selector: Invalid value: .*: field is immutable$/,
      ],
      [
        'replicas',
        'deployments',
        good('deployments'),
        { spec: { selector, template, replicas: 9 } },
        undefined,
      ],
      [
        'sts replicas',
        'statefulsets',
        good('statefulsets'),
        { spec: { selector, template, serviceName: 'x', replicas: 3 } },
        undefined,
      ],
      [
        'sts service',
        'statefulsets',
        good('statefulsets'),
        { spec: { selector, template, serviceName: 'y' } },
        /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals'.* and 'minReadySeconds' are forbidden$/,
      ],
      [
        'pod image',
        'pods',
        good('pods'),
        { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } },
        undefined,
      ],
      [
        'pod command',
        'pods',
        good('pods'),
        { spec: { containers: [{ name: 'c', image: 'nginx:1', command: ['x'] }] } },
        /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,[\s\S]*changed: spec\.containers\[0\]\.command$/,
      ],
      [
        'pod container',
        'pods',
        good('pods'),
        { spec: { containers: [...podSpec.containers, { name: 'd', image: 'i:1' }] } },
        /^spec\.containers: Forbidden: pod updates may not add or remove containers$/,
      ],
      [
        'toleration added',
        'pods',
        good('pods'),
        { spec: { ...podSpec, tolerations: [{ operator: 'Exists' }] } },
        undefined,
      ],
      [
        'toleration removed',
        'pods',
        { spec: { ...podSpec, tolerations: [{ operator: 'Exists' }] } },
        good('pods'),
        /^spec\.tolerations: Forbidden: existing toleration/,
      ],
      [
        'cluster ip',
        'services',
        { spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [{ port: 80 }] } },
        { spec: { clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.2'], ports: [{ port: 80 }] } },
        /^spec\.clusterIPs\[0\]: Invalid value: \["10\.0\.0\.2"\]: may not change once set$/,
      ],
      [
        'job template',
        'jobs',
        good('jobs'),
        { spec: { selector, template: { ...onceTemplate, spec: { ...onceTemplate.spec, hostname: 'h' } } } },
        /^spec\.template: Invalid value: .*: field is immutable$/,
      ],
      [
        'job parallelism',
        'jobs',
        good('jobs'),
        { spec: { selector, template: onceTemplate, parallelism: 4, completions: 1 } },
        undefined,
      ],
      [
        'config frozen',
        'configmaps',
        { data: { a: '1' }, immutable: true },
        { data: { a: '2' }, immutable: true },
        /^data: Forbidden: field is immutable when `immutable` is set$/,
      ],
      [
        'secret type',
        'secrets',
        { type: 'a/b' },
        { type: 'c/d' },
        /^type: Invalid value: "c\/d": field is immutable$/,
      ],
      [
        'role ref',
        'rolebindings',
        good('rolebindings'),
        { roleRef: { kind: 'Role', name: 'other' } },
        /^roleRef: Invalid value: .*: cannot change roleRef$/,
      ],
      [
        'claim class',
        'persistentvolumeclaims',
        {
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'a',
            resources: { requests: { storage: '1Gi' } },
          },
        },
        {
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'b',
            resources: { requests: { storage: '1Gi' } },
          },
        },
        /^spec: Forbidden: spec is immutable after creation except/,
      ],
      [
        'node cidr',
        'nodes',
        { spec: { podCIDRs: ['10.0.0.0/24'] } },
        { spec: { podCIDRs: ['10.0.1.0/24'] } },
        /^spec\.podCIDRs: Forbidden: node updates may not change podCIDR/,
      ],
      [
        'class parameters',
        'storageclasses',
        good('storageclasses'),
        { provisioner: 'example.com/x', parameters: { a: 'b' } },
        /^parameters: Forbidden: updates to parameters are forbidden\.$/,
      ],
    ];
  for (const [name, resource, before, after, want] of cases) {
    const found = messages(resource, object(resource, after), object(resource, before));
    if (want === undefined) assert.deepEqual(found, [], name);
    else {
      assert.equal(found.length, 1, `${name}: ${found.join('\n')}`);
      assert.match(found[0] ?? '', want, name);
    }
  }
});

test('a dying object gains no finalizers, and a lease must say which version it replaces', () => {
  const dying = { deletionTimestamp: '2026-01-31T09:00:00Z' };
  const [found] = messages(
    'serviceaccounts',
    object('serviceaccounts', {}, { ...dying, finalizers: ['a.b/c'] }),
    object('serviceaccounts', {}, dying),
  );
  assert.match(
    found ?? '',
    /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"a.b\/c"\}/,
  );
  const lease = object('leases', { spec: {} }, { resourceVersion: '' });
  assert.deepEqual(messages('leases', lease, object('leases', { spec: {} })), [
    'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
  ]);
});

test('an ephemeral container stays as it was added', () => {
  const debug = { name: 'd', image: 'busybox:1' };
  const withDebug = object('pods', { spec: { ...podSpec, ephemeralContainers: [debug] } });
  const plain = object('pods', { spec: podSpec });
  assert.deepEqual(messages('pods', withDebug, plain, 'ephemeralcontainers'), []);
  assert.match(messages('pods', plain, withDebug, 'ephemeralcontainers')[0] ?? '', /may not be removed/);
  assert.match(messages('pods', withDebug, plain)[0] ?? '', /pod updates may not change fields/);
});

test('schedules are read as cron reads them', () => {
  for (const good of [
    '* * * * *',
    '*/15 0-5 1,15 jan-mar MON',
    '0 0 ? * 0',
    '@hourly',
    '@every 1h30m',
    '1-30/2 * * * *',
  ]) {
    assert.equal(cronError(good), undefined, good);
  }
  const bad: [string, RegExp][] = [
    ['60 * * * *', /end of range \(60\) above maximum \(59\)/],
    ['* * 0 * *', /beginning of range \(0\) below minimum \(1\)/],
    ['5-1 * * * *', /beyond end of range/],
    ['*/0 * * * *', /should be a positive number/],
    ['a * * * *', /failed to parse int from a/],
    ['@sometimes', /unrecognized descriptor/],
  ];
  for (const [schedule, why] of bad) assert.match(cronError(schedule) ?? '', why);
});
