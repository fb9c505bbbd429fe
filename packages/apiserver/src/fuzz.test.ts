import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import { type Asked, Harness } from './testing/harness.ts';

const REQUEST_COUNT = Number(process.env['FUZZ_REQUESTS'] ?? 4000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** Of CPU that other processes use at the same time, a request may have to wait for. */
const REQUEST_MS_MAX = 1000;

let api: Harness;
before(async () => {
  api = await Harness.start();
});
after(() => api.stop());

const SEGMENTS = [
  'api',
  'apis',
  'v1',
  'apps',
  'namespaces',
  'default',
  'pods',
  'deployments',
  'services',
  'x',
  'status',
  'scale',
  'eviction',
  'log',
  'exec',
  'token',
  'watch',
  '%2e%2e',
  '%00',
  '%',
  '..',
  '',
  'a'.repeat(300),
  '__proto__',
  'constructor',
  '💥',
  'rbac.authorization.k8s.io',
  'clusterroles',
  'healthz',
  'openapi',
  'v3',
  'metrics',
  'finalize',
  'binding',
];
const QUERIES = [
  'watch=true',
  'limit=-1',
  'limit=1',
  'limit=99999999999999999999',
  'continue=abc',
  `continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"a"}').toString('base64url')}`,
  'resourceVersion=0',
  'resourceVersion=zzz',
  'resourceVersion=1',
  'resourceVersionMatch=Exact',
  'labelSelector=a%3Db',
  `labelSelector=${'a'.repeat(2000)}`,
  'labelSelector=((((',
  'fieldSelector=metadata.name%3Dx',
  'fieldSelector=%3D%3D',
  'fieldSelector=a\\\\',
  'dryRun=All',
  'dryRun=',
  'fieldValidation=Strict',
  'fieldValidation=x',
  'pretty=true',
  'timeoutSeconds=-5',
  'sendInitialEvents=true',
  'force=true',
  'fieldManager=',
  'gracePeriodSeconds=x',
  'includeObject=Nope',
  '%',
  'verbose',
  'tailLines=-1',
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'BREW'];
const TYPES = [
  'application/json',
  'application/yaml',
  'application/merge-patch+json',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/vnd.kubernetes.protobuf',
  'text/html',
  '',
  ';;;',
  'application/json; charset=evil',
];
const ACCEPTS = [
  '',
  '*/*',
  'application/json',
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=Table;v=v9;g=x',
  ';;;,,,',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
];
const VALUES = [
  null,
  0,
  -1,
  1e308,
  '',
  'x',
  true,
  [],
  {},
  [[]],
  '__proto__',
  { __proto__: null },
  [{ name: 'c' }],
  { a: { b: { c: [] } } },
  '1.5Gi',
  'NaN',
  '\u0000',
];
const FIELDS = [
  'apiVersion',
  'kind',
  'metadata',
  'spec',
  'status',
  'data',
  'name',
  'labels',
  'containers',
  'replicas',
  'selector',
  'template',
  'ports',
  'rules',
  'op',
  'path',
  'value',
  'finalizers',
  'ownerReferences',
  'resourceVersion',
  'managedFields',
  'deletionTimestamp',
  'clusterIP',
  '$patch',
  '$setElementOrder/x',
  '$retainKeys',
  'target',
  'type',
];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.int(list.length)] as T;
}

function value(random: Random, depth: number): unknown {
  if (depth === 0 || random.float() < 0.3) return pick(random, VALUES);
  if (random.float() < 0.2) return Array.from({ length: random.int(4) }, () => value(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: random.int(6) }, () => [pick(random, FIELDS), value(random, depth - 1)]),
  );
}

const TEMPLATE = {
  metadata: { labels: { a: 'b' } },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 80 }],
        env: [{ name: 'E', value: 'v' }],
        resources: { requests: { cpu: '1', memory: '1Gi' } },
        livenessProbe: { httpGet: { port: 80 } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
    tolerations: [{ key: 'k' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] }],
        },
      },
    },
  },
};
const SOUND = [
  {
    metadata: {
      generateName: 'p-',
      labels: { a: 'b' },
      annotations: { x: 'y' },
      finalizers: ['example.com/f'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'o', uid: 'u' }],
    },
    spec: TEMPLATE.spec,
  },
  {
    metadata: { generateName: 'd-' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] },
      strategy: { rollingUpdate: { maxSurge: '25%' } },
      template: TEMPLATE,
    },
  },
  {
    metadata: { generateName: 's-' },
    spec: {
      type: 'NodePort',
      selector: { a: 'b' },
      ports: [{ port: 80, targetPort: 'http', nodePort: 30001 }],
      clusterIP: '10.96.0.9',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
    },
  },
  {
    metadata: { generateName: 'c-' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  },
  { metadata: { generateName: 'm-' }, data: { a: 'b' }, binaryData: { c: 'AAAA' }, immutable: false },
  { metadata: { generateName: 'n-' }, spec: { finalizers: ['x'] } },
];

/** A sound object with one or two values replaced: what gets past the decoder and into validation. */
function damaged(random: Random): unknown {
  const object = structuredClone(pick(random, SOUND));
  for (let i = 0; i <= random.int(2); i++) {
    let at: unknown = object;
    for (;;) {
      const holder = at as Record<string, unknown>;
      const key = pick(random, Object.keys(holder));
      if (key === undefined) break;
      at = holder[key];
      if (typeof at === 'object' && at !== null && Object.keys(at).length > 0 && random.float() < 0.8)
        continue;
      holder[key] = structuredClone(pick(random, VALUES));
      break;
    }
  }
  return object;
}

function bodyOf(random: Random): Uint8Array {
  const kind = random.int(16);
  if (kind >= 8) return Buffer.from(JSON.stringify(damaged(random)));
  if (kind === 0) return random.bytes(random.int(200));
  if (kind === 1) return Buffer.from('['.repeat(10_000));
  if (kind === 2) return Buffer.concat([Buffer.from('k8s\0'), Buffer.from(random.bytes(random.int(100)))]);
  if (kind === 3)
    return Buffer.from('a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\nmetadata: {name: *d}');
  const text = JSON.stringify(value(random, 5));
  if (kind === 4) return Buffer.from(text.slice(0, random.int(text.length + 1)));
  if (kind === 5) return Buffer.from(text.replace('"name"', '"__proto__"'));
  return Buffer.from(text);
}

function requestOf(random: Random): { line: string; asked: Asked } {
  const isPlausible = random.float() < 0.6;
  const collection = pick(random, [
    '/api/v1/namespaces/default/pods',
    '/api/v1/namespaces/default/services',
    '/apis/apps/v1/namespaces/default/deployments',
    '/api/v1/namespaces',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    '/api/v1/namespaces/default/configmaps',
  ]);
  const path = isPlausible
    ? `${collection}${pick(random, ['', '/x', '/x/status', '/x/scale', '/x/eviction', '/x/binding', '/x/token', '/x/log', '/x/exec'])}`
    : `/${Array.from({ length: random.int(9) }, () => pick(random, SEGMENTS)).join('/')}`;
  const query = Array.from({ length: random.int(4) }, () => pick(random, QUERIES)).join('&');
  const headers = {
    accept: pick(random, ACCEPTS),
    ...(random.float() < 0.1
      ? { 'impersonate-user': pick(random, ['', 'x', 'system:serviceaccount:a:b', '__proto__']) }
      : {}),
  };
  const asked: Asked = { bytes: bodyOf(random), type: pick(random, TYPES), headers };
  return { line: `${pick(random, METHODS)} ${path}${query === '' ? '' : `?${query}`}`, asked };
}

test(`A3 whatever is sent is answered, soon, and never by 500 (seed ${SEED}, FUZZ_SEED=… FUZZ_REQUESTS=… to repeat)`, async () => {
  const random = seededRandom(SEED);
  const prototype = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  for (let i = 0; i < REQUEST_COUNT; i++) {
    const { line, asked } = requestOf(random);
    const startedMs = performance.now();
    const gone = new AbortController();
    const response = await api.raw(line, asked, gone.signal);
    if (response.kind === 'watch') response.watcher.close('stopped');
    const told = `request ${i}: ${line} ${Buffer.from(asked.bytes ?? [])
      .toString()
      .slice(
        0,
        300,
      )} (${asked.type}) → ${response.code} ${response.kind === 'body' ? Buffer.from(response.body).toString().slice(0, 500) : ''}`;
    assert.ok(response.code < 500 || response.code === 503 || response.code === 504, told);
    const tookMs = performance.now() - startedMs;
    // Some wait by contract: for a version from the future, for a default service account.
    if (response.code !== 504 && !told.includes('service account'))
      assert.ok(tookMs < REQUEST_MS_MAX, `${tookMs} ms: ${told}`);
  }
  assert.equal(
    JSON.stringify(Object.getOwnPropertyNames(Object.prototype)),
    prototype,
    'prototypes are as they were',
  );
  assert.equal(({} as Record<string, unknown>)['name'], undefined);
});
