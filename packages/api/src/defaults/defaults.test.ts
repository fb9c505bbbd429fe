import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../meta.ts';
import { pullPolicyOf } from './container.ts';
import { applyDefaults } from './index.ts';

const RESOURCES = {
  pods: { group: '', resource: 'pods' },
  services: { group: '', resource: 'services' },
  deployments: { group: 'apps', resource: 'deployments' },
  statefulsets: { group: 'apps', resource: 'statefulsets' },
  daemonsets: { group: 'apps', resource: 'daemonsets' },
  jobs: { group: 'batch', resource: 'jobs' },
  cronjobs: { group: 'batch', resource: 'cronjobs' },
  replicationcontrollers: { group: '', resource: 'replicationcontrollers' },
  namespaces: { group: '', resource: 'namespaces' },
  secrets: { group: '', resource: 'secrets' },
  limitranges: { group: '', resource: 'limitranges' },
  rolebindings: { group: 'rbac.authorization.k8s.io', resource: 'rolebindings' },
  networkpolicies: { group: 'networking.k8s.io', resource: 'networkpolicies' },
  horizontalpodautoscalers: { group: 'autoscaling', resource: 'horizontalpodautoscalers' },
};

/** Objects as users write them: most fields absent. */
function defaulted(resource: keyof typeof RESOURCES, given: object): Record<string, unknown> {
  const object = { metadata: { name: 'x' }, ...structuredClone(given) } as unknown as KubeObject;
  applyDefaults(RESOURCES[resource], object);
  const once = structuredClone(object);
  applyDefaults(RESOURCES[resource], object);
  assert.deepEqual(object, once, 'DEF-1');
  return object as unknown as Record<string, unknown>;
}

const podSpec = { containers: [{ name: 'c', image: 'nginx' }] };
const defaultedSpec = {
  containers: [
    {
      name: 'c',
      image: 'nginx',
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      resources: {},
    },
  ],
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  schedulerName: 'default-scheduler',
};

test('DEF-1 each kind gets what upstream gives it, and no more the second time', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
  const wantTemplate = { metadata: { labels: { app: 'web' } }, spec: defaultedSpec };
  const cases: [resource: keyof typeof RESOURCES, given: object, want: object][] = [
    ['pods', { spec: podSpec }, { spec: { ...defaultedSpec, enableServiceLinks: true } }],
    [
      'deployments',
      { spec: { template } },
      {
        spec: {
          template: wantTemplate,
          replicas: 1,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
        },
      },
    ],
    [
      'statefulsets',
      { spec: { template, replicas: 0 } },
      {
        spec: {
          template: wantTemplate,
          replicas: 0,
          podManagementPolicy: 'OrderedReady',
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
          revisionHistoryLimit: 10,
        },
      },
    ],
    [
      'daemonsets',
      { spec: { template, updateStrategy: { type: 'OnDelete' } } },
      { spec: { template: wantTemplate, updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 10 } },
    ],
    [
      'replicationcontrollers',
      { spec: { template } },
      {
        metadata: { name: 'x', labels: { app: 'web' } },
        spec: { template: wantTemplate, replicas: 1, selector: { app: 'web' } },
      },
    ],
    [
      'jobs',
      { spec: { template } },
      {
        metadata: { name: 'x', labels: { app: 'web' } },
        spec: {
          template: wantTemplate,
          completions: 1,
          parallelism: 1,
          backoffLimit: 6,
          completionMode: 'NonIndexed',
          suspend: false,
          podReplacementPolicy: 'TerminatingOrFailed',
          manualSelector: false,
        },
      },
    ],
    [
      'services',
      { spec: { ports: [{ port: 80 }], sessionAffinity: 'ClientIP', type: 'NodePort' } },
      {
        spec: {
          ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
          type: 'NodePort',
          internalTrafficPolicy: 'Cluster',
          externalTrafficPolicy: 'Cluster',
        },
      },
    ],
    [
      'namespaces',
      {},
      {
        metadata: { name: 'x', labels: { 'kubernetes.io/metadata.name': 'x' } },
        spec: {},
        status: { phase: 'Active' },
      },
    ],
    [
      'secrets',
      { data: { a: 'YQ==' }, stringData: { b: 'b' } },
      { data: { a: 'YQ==', b: 'Yg==' }, type: 'Opaque' },
    ],
    [
      'limitranges',
      { spec: { limits: [{ type: 'Container', max: { cpu: '1000m' } }] } },
      {
        spec: {
          limits: [
            { type: 'Container', max: { cpu: '1' }, default: { cpu: '1' }, defaultRequest: { cpu: '1' } },
          ],
        },
      },
    ],
    [
      'rolebindings',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', name: 's' },
        ],
      },
      {
        roleRef: { kind: 'Role', name: 'r', apiGroup: 'rbac.authorization.k8s.io' },
        subjects: [
          { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
          { kind: 'ServiceAccount', name: 's' },
        ],
      },
    ],
    [
      'networkpolicies',
      { spec: { egress: [{ ports: [{ port: 53 }] }] } },
      {
        spec: {
          podSelector: {},
          egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
          policyTypes: ['Ingress', 'Egress'],
        },
      },
    ],
    [
      'horizontalpodautoscalers',
      { spec: { maxReplicas: 3 } },
      {
        spec: {
          maxReplicas: 3,
          minReplicas: 1,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
            },
          ],
        },
      },
    ],
  ];
  for (const [resource, given, want] of cases) {
    assert.deepEqual(defaulted(resource, given), { metadata: { name: 'x' }, ...want }, resource);
  }
});

test('requests follow limits in a pod, in canonical form, and not in a template', () => {
  const spec = {
    containers: [{ name: 'c', image: 'a:1', resources: { limits: { cpu: '0.5', memory: '1024Mi' } } }],
  };
  const resources = (o: Record<string, unknown>) =>
    (o as { spec: typeof spec }).spec.containers[0]?.resources;
  assert.deepEqual(resources(defaulted('pods', { spec })), {
    limits: { cpu: '500m', memory: '1Gi' },
    requests: { cpu: '500m', memory: '1Gi' },
  });
  const deployment = defaulted('deployments', { spec: { template: { spec } } });
  assert.deepEqual(resources((deployment.spec as { template: Record<string, unknown> }).template), {
    limits: { cpu: '500m', memory: '1Gi' },
  });
});

test('volumes, probes and references inside a pod are defaulted too', () => {
  const pod = defaulted('pods', {
    spec: {
      hostNetwork: true,
      serviceAccount: 'robot',
      containers: [
        {
          name: 'c',
          image: 'a:1',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          livenessProbe: { httpGet: { port: 80 } },
        },
      ],
      volumes: [
        { name: 'a' },
        { name: 'b', secret: { secretName: 's' } },
        { name: 'c', hostPath: { path: '/x' } },
      ],
    },
  }) as { spec: { serviceAccountName: string; containers: Record<string, unknown>[]; volumes: object[] } };
  assert.equal(pod.spec.serviceAccountName, 'robot');
  assert.deepEqual(pod.spec.volumes, [
    { name: 'a', emptyDir: {} },
    { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
    { name: 'c', hostPath: { path: '/x', type: '' } },
  ]);
  const [container] = pod.spec.containers;
  assert.deepEqual(container?.ports, [{ containerPort: 80, protocol: 'TCP', hostPort: 80 }]);
  assert.deepEqual(container?.env, [
    { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name', apiVersion: 'v1' } } },
  ]);
  assert.deepEqual(container?.livenessProbe, {
    httpGet: { port: 80, path: '/', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
});

test('only an image without a version, or latest, is always pulled', () => {
  const cases: [image: string, want: string][] = [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:abc', 'IfNotPresent'],
    ['nginx:latest@sha256:abc', 'Always'],
  ];
  for (const [image, want] of cases) assert.equal(pullPolicyOf(image), want, image);
});
