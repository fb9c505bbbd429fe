import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { SignJWT } from 'jose';
import { tokenProvider } from './auth-token-flag.ts';
import type { TokenProvider } from './token-provider.ts';

const PEM = { type: 'spki', format: 'pem' } as const;
let folder: string;
const file = (name: string): string => join(folder, name);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-jwt-'));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  writeFileSync(file('rsa.pub'), rsa.publicKey.export(PEM));
  writeFileSync(file('other.pub'), other.publicKey.export(PEM));
  writeFileSync(file('ec.pub'), ec.publicKey.export(PEM));
  writeFileSync(file('ed.pub'), ed.publicKey.export(PEM));
  // The old forms as well: etcd takes them too.
  writeFileSync(file('rsa.key'), rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }));
  writeFileSync(file('ec.key'), ec.privateKey.export({ type: 'sec1', format: 'pem' }));
  writeFileSync(file('ed.key'), ed.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(file('secret'), randomBytes(64));
});
after(() => rmSync(folder, { recursive: true }));

const clock = new FakeClock();
const provider = (flag: string): TokenProvider =>
  tokenProvider(flag.replaceAll('=@', `=${folder}/`), { clock, random: seededRandom(1), ttlMs: 1000 });

describe('signed tokens', () => {
  const kinds = [
    ['RS256', 'pub-key=@rsa.pub,priv-key=@rsa.key'],
    ['PS384', 'priv-key=@rsa.key'],
    ['ES256', 'pub-key=@ec.pub,priv-key=@ec.key'],
    ['EdDSA', 'pub-key=@ed.pub,priv-key=@ed.key'],
    ['HS256', 'priv-key=@secret'],
  ] as const;
  for (const [algorithm, keys] of kinds)
    test(`${algorithm}: say who it is and under which auth revision, until they run out`, async () => {
      const tokens = provider(`jwt,${keys},sign-method=${algorithm},ttl=10s`);
      const token = await tokens.issue('u', 7, '');
      assert.deepEqual(await tokens.identify(token, 9), { username: 'u', authRevision: 7 });
      assert.equal(await tokens.identify(`${token.slice(0, -4)}AAAA`, 9), undefined);
      await clock.advance(10_000);
      assert.equal(await tokens.identify(token, 9), undefined);
    });

  test('a member with the public key alone knows them, but gives none', async () => {
    const signer = provider('jwt,priv-key=@rsa.key,sign-method=RS256');
    const verifier = provider('jwt,pub-key=@rsa.pub,sign-method=RS256');
    const token = await signer.issue('u', 7, '');
    assert.deepEqual(await verifier.identify(token, 9), { username: 'u', authRevision: 7 });
    await assert.rejects(() => verifier.issue('u', 7, ''), {
      message: 'auth: token signing attempted with verify-only key',
    });
  });

  const secret = randomBytes(64);
  const forged: readonly (readonly [string, () => Promise<string> | string])[] = [
    ['no token at all', () => 'simple.7'],
    ['an unsigned one', () => `${base64({ alg: 'none' })}.${base64({ username: 'root', revision: 7 })}.`],
    ['one by another key', () => provider('jwt,priv-key=@rsa.key,sign-method=PS256').issue('root', 7, '')],
    [
      // The attack of old: the public key, which is no secret, as the secret of another algorithm.
      'one by another algorithm',
      () => new SignJWT({ username: 'root', revision: 7 }).setProtectedHeader({ alg: 'HS256' }).sign(secret),
    ],
  ];
  for (const [name, make] of forged)
    test(`are not taken: ${name}`, async () => {
      const tokens = provider('jwt,priv-key=@rsa.key,sign-method=RS256');
      assert.equal(await tokens.identify(await make(), 9), undefined);
    });

  test('are not taken without a name or a revision', async () => {
    const tokens = provider('jwt,priv-key=@ec.key,sign-method=ES256');
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file('x.key'), key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const own = provider('jwt,priv-key=@x.key,sign-method=ES256');
    for (const claims of [{ username: 'root' }, { revision: 7 }, { username: 7, revision: 7 }]) {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(key.privateKey);
      assert.equal(await own.identify(token, 9), undefined);
    }
    assert.equal(await tokens.identify(await own.issue('u', 7, ''), 9), undefined);
  });
});

describe('--auth-token', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['magic', /want simple or jwt/],
    ['jwt', /no sign-method/],
    ['jwt,sign-method=none,priv-key=@rsa.key', /none sign-method/],
    ['jwt,sign-method=RS256', /needs a pub-key or a priv-key/],
    ['jwt,sign-method=HS256', /needs a priv-key/],
    ['jwt,sign-method=RS256,priv-key=@nothing', /ENOENT/],
    ['jwt,sign-method=RS256,priv-key=@rsa.pub', /rsa\.pub/],
    ['jwt,sign-method=RS256,priv-key=@rsa.key,pub-key=@other.pub', /is not the public key of/],
    ['jwt,sign-method=ES256,priv-key=@rsa.key', /needs a key of type ec/],
    ['jwt,sign-method=RS256,priv-key=@rsa.key,ttl=soon', /soon is no duration/],
    ['jwt,sign-method=RS256,sign-method=RS256', /is not one more name=value/],
    ['jwt,sign-method', /is not one more name=value/],
  ];
  for (const [flag, message] of wrong)
    test(`${flag} is refused`, () => assert.throws(() => provider(flag), { name: 'UsageError', message }));

  test('nothing: nobody gets a token', () => {
    assert.throws(() => provider('').issue('u', 1, ''), {
      message: 'etcdserver: authentication failed, invalid user ID or password',
    });
  });
});

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
