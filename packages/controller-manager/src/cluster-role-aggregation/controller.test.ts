import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { ClusterRole, Secret, ServiceAccount } from '@kubelab/api';
import { tokensController } from '../service-account-tokens/controller.ts';
import { TokenSigner } from '../service-account-tokens/token.ts';
import { startHarness } from '../testing/harness.ts';
import { clusterRoleAggregationController } from './controller.ts';

test('an aggregated role follows the roles it selects, by name and without repeats', async (t) => {
  const label = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
  const jobs = { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] };
  const { client, quiet, stop } = await startHarness((deps) => [clusterRoleAggregationController(deps)], {
    prepare: (fake) => {
      fake.seed<ClusterRole>(
        ClusterRole,
        { metadata: { name: 'view' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: label }] } },
        { metadata: { name: 'b', labels: label }, rules: [jobs, pods] },
        { metadata: { name: 'a', labels: label }, rules: [pods] },
        { metadata: { name: 'c' }, rules: [{ ...pods, verbs: ['delete'] }] },
      );
    },
  });
  t.after(stop);
  assert.deepEqual(client.find(ClusterRole, 'view')?.rules, [pods, jobs]);
  client.removeNow(ClusterRole, 'b');
  await quiet();
  assert.deepEqual(client.find(ClusterRole, 'view')?.rules, [pods]);
});

test('a token secret is filled with a signed token and goes with its service account', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signer = new TokenSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const annotations = { 'kubernetes.io/service-account.name': 'robot' };
  const { client, quiet, stop } = await startHarness(
    (deps) => [tokensController(deps, { signer, rootCa: 'PEM' })],
    {
      prepare: (fake) => {
        fake.seed<ServiceAccount>(ServiceAccount, {
          metadata: { name: 'robot', namespace: 'default', uid: 'u1' },
        });
        fake.seed<Secret>(
          Secret,
          {
            metadata: { name: 's', namespace: 'default', annotations },
            type: 'kubernetes.io/service-account-token',
          },
          { metadata: { name: 'plain', namespace: 'default', annotations }, type: 'Opaque' },
        );
      },
    },
  );
  t.after(stop);
  const secret = client.find(Secret, 'default/s');
  const [header = '', claims = '', signature = ''] = Buffer.from(secret?.data?.['token'] ?? '', 'base64')
    .toString()
    .split('.');
  assert.ok(
    verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      createPublicKey(publicKey),
      Buffer.from(signature, 'base64url'),
    ),
  );
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string>;
  assert.equal(said['sub'], 'system:serviceaccount:default:robot');
  assert.equal(secret?.metadata.annotations?.['kubernetes.io/service-account.uid'], 'u1');
  assert.equal(client.find(Secret, 'default/plain')?.data, undefined);
  client.removeNow(ServiceAccount, 'default/robot');
  await quiet();
  assert.equal(client.find(Secret, 'default/s'), undefined);
});
