import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, errors, getCondition, Namespace, Pod, ServiceAccount } from '@kubelab/api';
import { failing, type FakeKubeClient } from '@kubelab/client/testing';
import { rootCaPublisher } from '../root-ca-publisher/controller.ts';
import { serviceAccountController } from '../service-account/controller.ts';
import { podSpec, startHarness } from '../testing/harness.ts';
import { namespaceController } from './controller.ts';

const going = (client: FakeKubeClient) =>
  client.seed(Namespace, {
    metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Terminating' },
  });
const start = (prepare: (client: FakeKubeClient) => void) =>
  startHarness((deps) => [namespaceController(deps)], { gracefulPods: true, prepare });
const finalizers = (client: FakeKubeClient) => client.find(Namespace, 'shop')?.spec.finalizers ?? [];

test('NS-1 a namespace is emptied, then let go; its neighbours keep theirs', async (t) => {
  const { client, stop } = await start((fake) => {
    going(fake);
    fake.seed(
      ConfigMap,
      { metadata: { name: 'a', namespace: 'shop' } },
      { metadata: { name: 'b', namespace: 'default' } },
    );
  });
  t.after(stop);
  assert.deepEqual(finalizers(client), []);
  assert.deepEqual(
    client.objects(ConfigMap).map(({ metadata }) => metadata.name),
    ['b'],
  );
});

test('NS-1 a pod that takes its time keeps the namespace, which says so, and its end wakes us', async (t) => {
  const { client, pass, stop } = await start((fake) => {
    going(fake);
    fake.seed(Pod, {
      metadata: { name: 'p', namespace: 'shop', finalizers: ['example.com/hold'] },
      spec: { ...podSpec, nodeName: 'n' },
    });
  });
  t.after(stop);
  assert.deepEqual(finalizers(client), ['kubernetes']);
  const conditions = client.find(Namespace, 'shop')?.status?.conditions;
  const remaining = getCondition(conditions, 'NamespaceContentRemaining');
  assert.equal(remaining?.message, 'Some resources are remaining: pods. has 1 resource instances');
  assert.match(
    getCondition(conditions, 'NamespaceFinalizersRemaining')?.message ?? '',
    /example\.com\/hold in 1 resource instances/,
  );
  client.removeNow(Pod, 'shop/p');
  await pass(100);
  assert.deepEqual(finalizers(client), []);
});

test('NS-2 what cannot be asked keeps the namespace', async (t) => {
  const { client, pass, stop } = await start((fake) => {
    going(fake);
    fake.intercept(
      failing(
        { verb: 'list', resource: 'configmaps', namespace: 'shop' },
        errors.serviceUnavailable('down'),
        3,
      ),
    );
  });
  t.after(stop);
  assert.deepEqual(finalizers(client), ['kubernetes']);
  const status = client.find(Namespace, 'shop')?.status;
  assert.equal(getCondition(status?.conditions, 'NamespaceDeletionContentFailure')?.status, 'True');
  await pass(10_000);
  assert.deepEqual(finalizers(client), []);
});

test('every namespace has the default service account and the root CA, also after someone took them away', async (t) => {
  const { client, quiet, stop } = await startHarness(
    (deps) => [serviceAccountController(deps), rootCaPublisher(deps, { rootCa: 'PEM' })],
    {
      prepare: (fake) =>
        void fake.seed(Namespace, { metadata: { name: 'default' }, spec: {}, status: { phase: 'Active' } }),
    },
  );
  t.after(stop);
  const rootCa = () => client.find(ConfigMap, 'default/kube-root-ca.crt')?.data;
  assert.ok(client.find(ServiceAccount, 'default/default'));
  assert.deepEqual(rootCa(), { 'ca.crt': 'PEM' });
  client.removeNow(ServiceAccount, 'default/default');
  client.mutate(ConfigMap, 'default/kube-root-ca.crt', (map) => {
    map.data = { 'ca.crt': 'forged' };
  });
  await quiet();
  assert.ok(client.find(ServiceAccount, 'default/default'));
  assert.deepEqual(rootCa(), { 'ca.crt': 'PEM' });
});
