import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { Harness } from '../testing/harness.ts';
import { IpRange } from './ip-range.ts';

let api: Harness;
const PATH = '/api/v1/namespaces/default/services';

before(async () => {
  api = await Harness.start();
});
after(() => api.stop());

const service = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});

test('a Service gets an address of the range, its families, and loses it with its end', async () => {
  const made = await api.make(PATH, service('a'));
  assert.match(made.spec.clusterIP, /^10\.96\.0\.\d+$/);
  assert.deepEqual(
    [made.spec.clusterIPs, made.spec.ipFamilies, made.spec.ipFamilyPolicy],
    [[made.spec.clusterIP], ['IPv4'], 'SingleStack'],
  );
  const taken = await api.ask(`POST ${PATH}`, { body: service('b', { clusterIP: made.spec.clusterIP }) });
  assert.equal(taken.code, 422);
  assert.match(taken.json.message, /failed to allocate IP 10\.96\.0\.\d+: provided IP is already allocated/);
  await api.ask(`DELETE ${PATH}/a`);
  assert.equal(
    (await api.ask(`POST ${PATH}`, { body: service('b', { clusterIP: made.spec.clusterIP }) })).code,
    201,
  );
});

test('SVC-1 two servers that give addresses at once never give the same', async () => {
  // Both start from the same seed and pick the same candidates: only the store can tell them apart.
  const one = await Harness.start({ store: api.store, random: seededRandom(7) });
  const two = await Harness.start({ store: api.store, random: seededRandom(7) });
  const made = await Promise.all(
    Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? one : two).make(PATH, service(`race-${i}`))),
  );
  const addresses = made.map(({ spec }) => spec.clusterIP);
  assert.equal(new Set(addresses).size, addresses.length);
  await Promise.all([one.stop(), two.stop()]);
});

test('headless and ExternalName Services take no address', async () => {
  const headless = await api.make(PATH, service('headless', { clusterIP: 'None' }));
  assert.deepEqual(headless.spec.clusterIPs, ['None']);
  const external = await api.make(
    PATH,
    service('external', { type: 'ExternalName', externalName: 'example.com' }),
  );
  assert.equal(external.spec.clusterIP, undefined);
});

test('node ports come from the range, run out, and are given back', async () => {
  const names = Array.from({ length: 10 }, (_, i) => `np-${i}`);
  const ports = new Set<number>();
  for (const name of names)
    ports.add((await api.make(PATH, service(name, { type: 'NodePort' }))).spec.ports[0].nodePort);
  assert.deepEqual(
    [...ports].toSorted((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => 30000 + i),
  );
  assert.equal(
    (await api.ask(`POST ${PATH}`, { body: service('one-more', { type: 'NodePort' }) })).code,
    500,
  );
  const asked = service('asked', { type: 'NodePort', ports: [{ port: 80, nodePort: 30003 }] });
  const taken = await api.ask(`POST ${PATH}`, { body: asked });
  assert.equal(taken.code, 422);
  assert.match(
    taken.json.message,
    /spec\.ports\[0\]\.nodePort: Invalid value: 30003: provided port is already allocated/,
  );
  const holder = names.find((_, i) => [...ports][i] === 30003);
  const cluster = { spec: { type: 'ClusterIP' } };
  await api.ask(`PATCH ${PATH}/${holder}`, { body: cluster, type: 'application/merge-patch+json' });
  assert.equal((await api.ask(`POST ${PATH}`, { body: asked })).code, 201);
  const outside = service('outside', { type: 'NodePort', ports: [{ port: 80, nodePort: 99 }] });
  assert.match((await api.ask(`POST ${PATH}`, { body: outside })).json.message, /valid ports is 30000-30009/);
});

test('a dry run takes nothing', async () => {
  // Of the lower part, which is given to nobody by chance: the Services above have any of the others.
  const clusterIP = '10.96.0.9';
  const { json } = await api.ask(`POST ${PATH}?dryRun=All`, { body: service('dry', { clusterIP }) });
  assert.equal(json.spec.clusterIP, clusterIP);
  assert.equal((await api.ask(`POST ${PATH}`, { body: service('wet', { clusterIP }) })).code, 201);
});

test('a range gives its upper part first, then the rest, never its ends', () => {
  const range = new IpRange('192.168.0.0/27');
  const taken = new Set<string>();
  for (let i = 0; i < 30; i++)
    taken.add(range.pick((address) => taken.has(address), seededRandom(i)) ?? 'none');
  assert.equal(taken.size, 30);
  assert.equal(
    range.pick((address) => taken.has(address), seededRandom(1)),
    undefined,
  );
  assert.ok(!taken.has('192.168.0.0') && !taken.has('192.168.0.31') && !taken.has('none'));
  assert.deepEqual(
    [range.first, range.contains('192.168.0.31'), range.contains('192.168.0.30')],
    ['192.168.0.1', false, true],
  );
});
