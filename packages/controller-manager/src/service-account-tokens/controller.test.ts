import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { Secret, ServiceAccount } from '@kubelab/api';
import { startHarness } from '../testing/harness.ts';
import { tokensController } from './controller.ts';
import { TokenSigner } from './token.ts';

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
    verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url')),
  );
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string>;
  assert.equal(said['sub'], 'system:serviceaccount:default:robot');
  assert.equal(secret?.metadata.annotations?.['kubernetes.io/service-account.uid'], 'u1');
  assert.equal(client.find(Secret, 'default/plain')?.data, undefined);
  client.removeNow(ServiceAccount, 'default/robot');
  await quiet();
  assert.equal(client.find(Secret, 'default/s'), undefined);
});
