import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Harness, pod } from './testing/harness.ts';

let api: Harness;

before(async () => {
  api = await Harness.start();
});
after(() => api.stop());

test('a new cluster has its namespaces, priority classes, roles and the kubernetes service', async () => {
  const names = async (path: string) =>
    (await api.ask(`GET ${path}`)).json.items.map((o: { metadata: { name: string } }) => o.metadata.name);
  assert.deepEqual(await names('/api/v1/namespaces'), [
    'default',
    'kube-node-lease',
    'kube-public',
    'kube-system',
  ]);
  assert.deepEqual(await names('/apis/scheduling.k8s.io/v1/priorityclasses'), [
    'system-cluster-critical',
    'system-node-critical',
  ]);
  const roles = await names('/apis/rbac.authorization.k8s.io/v1/clusterroles');
  for (const role of ['cluster-admin', 'admin', 'edit', 'view', 'system:node', 'system:kube-scheduler'])
    assert.ok(roles.includes(role), role);
  const service = await api.ask('GET /api/v1/namespaces/default/services/kubernetes');
  assert.equal(service.json.spec.clusterIP, '10.96.0.1');
  const endpoints = await api.ask('GET /api/v1/namespaces/default/endpoints/kubernetes');
  assert.deepEqual(endpoints.json.subsets[0].addresses, [{ ip: '10.0.0.1' }]);
});

test('a second server on the same store changes nothing', async () => {
  const before = api.store.revision;
  const second = await Harness.start({ store: api.store });
  // Only its own lease is written.
  assert.ok(api.store.revision - before <= 1, `${api.store.revision - before} writes`);
  await second.stop();
});

test('create answers 201 with uid, creationTimestamp, resourceVersion and defaults', async () => {
  await api.namespace('create');
  const made = await api.make('/api/v1/namespaces/create/pods', pod('web'));
  assert.match(made.metadata.uid, /^[\da-f-]{36}$/);
  assert.match(made.metadata.creationTimestamp, /^\d{4}-.*Z$/);
  assert.match(made.metadata.resourceVersion, /^\d+$/);
  assert.equal(made.metadata.namespace, 'create');
  assert.equal(made.spec.restartPolicy, 'Always');
  assert.equal(made.status.phase, 'Pending');
  assert.equal(made.kind, 'Pod');
  const stored = await api.ask('GET /api/v1/namespaces/create/pods/web');
  assert.deepEqual(stored.json, made);
  const again = await api.ask('POST /api/v1/namespaces/create/pods', { body: pod('web') });
  assert.equal(again.code, 409);
  assert.equal(again.json.reason, 'AlreadyExists');
});

test('generateName makes names of its own until one is free', async () => {
  const made = await api.make('/api/v1/namespaces/default/configmaps', { metadata: { generateName: 'x-' } });
  assert.match(made.metadata.name, /^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

const REFUSED: [string, string, object | undefined, number, string][] = [
  [
    'a namespace that is not that of the path',
    'POST /api/v1/namespaces/default/configmaps',
    { metadata: { name: 'a', namespace: 'b' } },
    400,
    'BadRequest',
  ],
  [
    'a resourceVersion on create',
    'POST /api/v1/namespaces/default/configmaps',
    { metadata: { name: 'a', resourceVersion: '1' } },
    400,
    'BadRequest',
  ],
  [
    'a namespace that is not there',
    'POST /api/v1/namespaces/nowhere/configmaps',
    { metadata: { name: 'a' } },
    404,
    'NotFound',
  ],
  [
    'an object of another kind',
    'POST /api/v1/namespaces/default/configmaps',
    { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'a' } },
    400,
    'BadRequest',
  ],
  [
    'an invalid name',
    'POST /api/v1/namespaces/default/configmaps',
    { metadata: { name: 'A_b' } },
    422,
    'Invalid',
  ],
  [
    'a path of a resource that is not served',
    'GET /api/v1/namespaces/default/unicorns',
    undefined,
    404,
    'NotFound',
  ],
  [
    'an object that is not there',
    'GET /api/v1/namespaces/default/configmaps/none',
    undefined,
    404,
    'NotFound',
  ],
  [
    'a verb the resource does not have',
    'GET /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    undefined,
    405,
    'MethodNotAllowed',
  ],
  [
    'a field label that is not supported',
    'GET /api/v1/pods?fieldSelector=spec.foo%3Dbar',
    undefined,
    400,
    'BadRequest',
  ],
  [
    'a label selector that cannot be read',
    'GET /api/v1/pods?labelSelector=a%20b%20c',
    undefined,
    400,
    'BadRequest',
  ],
  [
    'an unknown dryRun',
    'POST /api/v1/namespaces/default/configmaps?dryRun=Some',
    { metadata: { name: 'a' } },
    422,
    'Invalid',
  ],
  [
    'a PATCH of a kind nobody knows',
    'PATCH /api/v1/namespaces/default/configmaps/a',
    { data: {} },
    415,
    'UnsupportedMediaType',
  ],
];
for (const [title, line, body, code, reason] of REFUSED) {
  test(`refuses ${title} with ${code} ${reason}`, async () => {
    const answer = await api.ask(line, body === undefined ? {} : { body });
    assert.equal(answer.code, code, answer.text);
    assert.equal(answer.json.reason, reason);
    assert.equal(answer.json.kind, 'Status');
    assert.equal(answer.json.code, code);
  });
}

test('fieldValidation: Warn tells, Strict refuses, Ignore drops silently', async () => {
  const body = { metadata: { name: 'fv' }, dada: {} };
  const path = '/api/v1/namespaces/default/configmaps';
  const warned = await api.ask(`POST ${path}?dryRun=All`, { body });
  assert.equal(warned.code, 201);
  assert.deepEqual(warned.warnings, ['unknown field "dada"']);
  const strict = await api.ask(`POST ${path}?dryRun=All&fieldValidation=Strict`, { body });
  assert.equal(strict.code, 400);
  assert.equal(strict.json.message, 'strict decoding error: unknown field "dada"');
  assert.deepEqual((await api.ask(`POST ${path}?dryRun=All&fieldValidation=Ignore`, { body })).warnings, []);
  assert.equal((await api.ask(`GET ${path}/fv`)).code, 404, 'a dry run stores nothing');
});

test('A1 eight writers of one counter lose no increment', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  await api.make(path, { metadata: { name: 'counter' }, data: { n: '0' } });
  const increment = async (): Promise<void> => {
    for (;;) {
      const { json } = await api.ask(`GET ${path}/counter`);
      json.data.n = String(Number(json.data.n) + 1);
      const put = await api.ask(`PUT ${path}/counter`, { body: json });
      if (put.code === 200) return;
      assert.equal(put.code, 409, put.text);
      assert.equal(put.json.reason, 'Conflict');
    }
  };
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 25; i++) await increment();
    }),
  );
  assert.equal((await api.ask(`GET ${path}/counter`)).json.data.n, '200');
});

test('A1 patches without a resourceVersion are tried again until they fit', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  await api.make(path, { metadata: { name: 'patched' } });
  const patches = Array.from({ length: 20 }, (_, i) =>
    api.ask(`PATCH ${path}/patched`, {
      body: { data: { [`k${i}`]: 'v' } },
      type: 'application/merge-patch+json',
    }),
  );
  for (const { code, text } of await Promise.all(patches)) assert.equal(code, 200, text);
  assert.equal(Object.keys((await api.ask(`GET ${path}/patched`)).json.data).length, 20);
});

test('an update that changes nothing keeps the resourceVersion', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const made = await api.make(path, { metadata: { name: 'same' }, data: { a: 'b' } });
  const put = await api.ask(`PUT ${path}/same`, { body: made });
  assert.equal(put.json.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('a stale resourceVersion or another uid is a conflict', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const made = await api.make(path, { metadata: { name: 'stale' } });
  await api.ask(`PATCH ${path}/stale`, { body: { data: { a: 'b' } }, type: 'application/merge-patch+json' });
  assert.equal((await api.ask(`PUT ${path}/stale`, { body: made })).code, 409);
  const foreign = { ...made, metadata: { ...made.metadata, resourceVersion: '', uid: 'other' } };
  assert.equal((await api.ask(`PUT ${path}/stale`, { body: foreign })).code, 409);
});

test('status is written through /status only, spec never through it', async () => {
  await api.namespace('status');
  const path = '/api/v1/namespaces/status/pods/p';
  const made = await api.make('/api/v1/namespaces/status/pods', {
    ...pod('p'),
    status: { phase: 'Running' },
  });
  assert.equal(made.status.phase, 'Pending');
  const reported = {
    ...made,
    status: { ...made.status, phase: 'Running' },
    spec: { ...made.spec, nodeName: 'sneaky' },
  };
  const put = await api.ask(`PUT ${path}/status`, { body: reported });
  assert.equal(put.json.status.phase, 'Running');
  assert.equal(put.json.spec.nodeName, undefined);
  assert.equal(put.json.metadata.generation, made.metadata.generation);
});

test('a page and its continuation are of one resourceVersion', async () => {
  await api.make('/api/v1/namespaces', { metadata: { name: 'pages' } });
  const path = '/api/v1/namespaces/pages/configmaps';
  for (const name of ['a', 'b', 'c', 'd', 'e']) await api.make(path, { metadata: { name } });
  const first = await api.ask(`GET ${path}?limit=2`);
  assert.equal(first.json.metadata.remainingItemCount, 3);
  await api.make(path, { metadata: { name: 'bb' } });
  await api.ask(`DELETE ${path}/d`);
  const second = await api.ask(`GET ${path}?limit=2&continue=${first.json.metadata.continue}`);
  assert.equal(second.json.metadata.resourceVersion, first.json.metadata.resourceVersion);
  assert.deepEqual(
    second.json.items.map((o: { metadata: { name: string } }) => o.metadata.name),
    ['c', 'd'],
  );
  api.store.compactedRevision = api.store.revision;
  const third = await api.ask(`GET ${path}?limit=2&continue=${second.json.metadata.continue}`);
  assert.equal(third.code, 410);
  assert.equal(third.json.reason, 'Expired');
  api.store.compactedRevision = 0;
});

test('a resourceVersion from the future is waited for, then 504', async () => {
  const answer = await api.ask(`GET /api/v1/namespaces?resourceVersion=${api.store.revision + 100}`);
  assert.equal(answer.code, 504);
  assert.equal(answer.json.details.causes[0].reason, 'ResourceVersionTooLarge');
});

test('lists come as tables, as metadata only, or as YAML when asked for so', async () => {
  const table = await api.ask('GET /api/v1/namespaces', {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  });
  assert.equal(table.json.kind, 'Table');
  assert.equal(table.json.rows[0].cells[0], 'create');
  const metadata = await api.ask('GET /api/v1/namespaces/default', {
    headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
  });
  assert.equal(metadata.json.kind, 'PartialObjectMetadata');
  assert.equal(metadata.json.spec, undefined);
  const yaml = await api.ask('GET /api/v1/namespaces/default', { headers: { accept: 'application/yaml' } });
  assert.match(yaml.text, /^kind: Namespace$/m);
  assert.equal((await api.ask('GET /api/v1/namespaces', { headers: { accept: 'image/png' } })).code, 406);
});

test('a deployment is scaled through /scale, by PUT and by PATCH', async () => {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
  await api.make('/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: labels }, template },
  });
  const path = '/apis/apps/v1/namespaces/default/deployments/web';
  const scale = await api.ask(`GET ${path}/scale`);
  assert.equal(scale.json.kind, 'Scale');
  assert.equal(scale.json.spec.replicas, 1);
  assert.equal(scale.json.status.selector, 'app=web');
  scale.json.spec.replicas = 3;
  assert.equal((await api.ask(`PUT ${path}/scale`, { body: scale.json })).json.spec.replicas, 3);
  assert.equal((await api.ask(`PUT ${path}/scale`, { body: scale.json })).code, 409);
  const patched = await api.ask(`PATCH ${path}/scale`, {
    body: { spec: { replicas: 5 } },
    type: 'application/merge-patch+json',
  });
  assert.equal(patched.json.spec.replicas, 5);
  const { json } = await api.ask(`GET ${path}`);
  assert.deepEqual([json.spec.replicas, json.metadata.generation], [5, 3]);
});

test('binding gives a pod its node once', async () => {
  await api.namespace('binding');
  await api.make('/api/v1/namespaces/binding/pods', pod('p'));
  const bind = (node: string) =>
    api.ask('POST /api/v1/namespaces/binding/pods/p/binding', {
      body: { metadata: { name: 'p' }, target: { kind: 'Node', name: node } },
    });
  assert.equal((await bind('node-1')).code, 201);
  const { json } = await api.ask('GET /api/v1/namespaces/binding/pods/p');
  assert.equal(json.spec.nodeName, 'node-1');
  assert.equal(
    json.status.conditions.find((c: { type: string }) => c.type === 'PodScheduled').status,
    'True',
  );
  const again = await bind('node-2');
  assert.equal(again.code, 409);
  assert.match(again.json.message, /pod p is already assigned to node "node-1"/);
  const onNode = await api.ask('GET /api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1');
  assert.equal(onNode.json.items.length, 1);
});

test('aggregated discovery, group lists, OpenAPI, version and health answer', async () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const aggregated = await api.ask('GET /apis', { headers: { accept } });
  assert.equal(aggregated.json.kind, 'APIGroupDiscoveryList');
  const etag = aggregated.headers['etag'] ?? '';
  assert.equal((await api.ask('GET /apis', { headers: { accept, 'if-none-match': etag } })).code, 304);
  assert.equal((await api.ask('GET /api/v1')).json.kind, 'APIResourceList');
  assert.equal((await api.ask('GET /apis/apps')).json.kind, 'APIGroup');
  assert.ok((await api.ask('GET /openapi/v3')).json.paths['api/v1']);
  assert.equal((await api.ask('GET /openapi/v2')).json.swagger, '2.0');
  assert.equal((await api.ask('GET /version', { as: null })).json.major, '1');
  assert.equal((await api.ask('GET /readyz', { as: null })).text, 'ok');
  assert.equal((await api.ask('GET /nothing')).code, 404);
  assert.match((await api.ask('GET /metrics')).text, /apiserver_request_total\{verb="GET"/);
  assert.ok((await api.ask('GET /openid/v1/jwks')).text.includes('"kid"'));
});

test('JSON is indented for curl, wget and browsers, and for whoever asks; errors too', async () => {
  const headers = { 'user-agent': 'curl/8.5.0' };
  const path = 'GET /api/v1/namespaces/default';
  assert.match((await api.ask(path, { headers })).text, /^\{\n {2}"/);
  assert.match((await api.ask(`${path}?pretty=true`)).text, /^\{\n {2}"/);
  assert.match((await api.ask('GET /api/v1/namespaces/none', { headers })).text, /^\{\n {2}"kind": "Status"/);
  assert.match((await api.ask(`${path}?pretty=false`, { headers })).text, /^\{"/);
  assert.match((await api.ask(path)).text, /^\{"/);
});

test('readyz fails as soon as the end has begun, livez does not', async () => {
  const ending = await Harness.start();
  ending.server.beginStop();
  const ready = await ending.ask('GET /readyz?verbose');
  assert.equal(ready.code, 500);
  assert.match(ready.text, /^\[-\]shutdown failed/m);
  assert.equal((await ending.ask('GET /livez')).code, 200);
  await ending.stop();
});

test('a cache that is not synced answers 503, a store that does not answer 504', async () => {
  const broken = await Harness.start();
  const { StoreError } = await import('./store/store.ts');
  broken.store.failure = new StoreError('unknown', 'no leader');
  assert.equal((await broken.ask('GET /api/v1/namespaces')).code, 504);
  broken.store.breakWatches();
  assert.equal((await broken.ask('GET /api/v1/namespaces')).code, 503);
  broken.store.failure = undefined;
  await broken.stop();
});

test('before the first load probes are answered, and nobody is turned away: 503', async () => {
  const { ApiServer } = await import('./server.ts');
  const { MemoryStore } = await import('./testing/memory-store.ts');
  const { TEST_CONFIG } = await import('./testing/harness.ts');
  const { realClock, realRandom, silentLogger } = await import('@kubelab/component-base');
  const unloaded = new ApiServer(TEST_CONFIG, {
    store: new MemoryStore(),
    clock: realClock,
    random: realRandom,
    log: silentLogger,
  });
  const codeFor = async (path: string, commonName: string | undefined) => {
    const certificate =
      commonName === undefined ? 'none' : { commonName, organizations: [], notAfterMs: Date.now() + 1e6 };
    const response = await unloaded.pipeline.handle({
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: {},
      peer: { address: '', certificate },
      body: () => Promise.resolve(new Uint8Array()),
      signal: new AbortController().signal,
    });
    return response.code;
  };
  assert.equal(await codeFor('/livez', undefined), 200);
  assert.equal(await codeFor('/readyz', undefined), 500);
  assert.equal(await codeFor('/api/v1/nodes', 'system:kube-scheduler'), 503);
});
