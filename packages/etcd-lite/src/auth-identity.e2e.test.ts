import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { createAuthority, issueCertificate } from '@kubelab/pki';
import type { ClientTls } from '@kubelab/rpc';
import { bytesOf } from '@kubelab/rpc/etcd';
import { makeUsers } from './testing/auth-users.ts';
import { MAIN, ProcessCluster } from './testing/processes.ts';
import { RawClient } from './testing/raw-client.ts';
import { isInstalled } from './testing/targets.ts';

const b = bytesOf;
const DENIED = 'PERMISSION_DENIED etcdserver: permission denied';
const NAMELESS = 'INVALID_ARGUMENT etcdserver: user name is empty';

const programs = [
  { name: 'etcd', skip: isInstalled('etcd') ? false : 'no etcd here', program: ['etcd'] },
  { name: 'etcd-lite', skip: false, program: [process.execPath, MAIN] },
] as const;

/** One member of the program, with users, and auth on. */
async function startWithUsers(
  program: readonly [string, ...string[]],
  flags: readonly string[],
  tls?: ClientTls,
): Promise<{ cluster: ProcessCluster; client: RawClient }> {
  const scheme = tls === undefined ? 'http' : 'https';
  const cluster = await ProcessCluster.startWith(1, {
    program,
    scheme,
    flags: [...flags, '--bcrypt-cost=4'],
  });
  const client = new RawClient(cluster.endpoints[0] ?? '', tls);
  await eventually('it answers', () => client.call('KV', 'Put', { key: b('r1') }), 20_000);
  await makeUsers(client);
  await client.call('Auth', 'AuthEnable');
  return { cluster, client };
}

for (const { name: target, skip, program } of programs) {
  describe(`who asks is told by certificates, on ${target}`, { skip }, () => {
    let folder: string;
    let cluster: ProcessCluster;
    let certificateOf: (commonName: string) => Promise<ClientTls>;
    const clients: RawClient[] = [];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'etcd-cn-'));
      const nowMs = Date.now();
      const authority = await createAuthority('etcd-ca', nowMs);
      certificateOf = async (commonName) => {
        const usages = ['server', 'client'] as const;
        const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
        const { cert, key } = await issueCertificate(authority, { commonName, ...names, usages }, nowMs);
        return { ca: Buffer.from(authority.cert), cert: Buffer.from(cert), key: Buffer.from(key) };
      };
      const own = await certificateOf('server');
      const file = (name: string): string => join(folder, name);
      await writeFile(file('ca.crt'), own.ca);
      await writeFile(file('own.crt'), own.cert ?? '');
      await writeFile(file('own.key'), own.key ?? '');
      const flags = ['', 'peer-'].flatMap((side) => [
        `--${side}cert-file=${file('own.crt')}`,
        `--${side}key-file=${file('own.key')}`,
        `--${side}trusted-ca-file=${file('ca.crt')}`,
        `--${side}client-cert-auth`,
      ]);
      const started = await startWithUsers(program, flags, own);
      cluster = started.cluster;
      clients.push(started.client);
    });
    after(async () => {
      for (const client of clients) client.close();
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function as(commonName: string): Promise<RawClient> {
      const client = new RawClient(cluster.endpoints[0] ?? '', await certificateOf(commonName));
      clients.push(client);
      return client;
    }

    test('the common name is the user', async () => {
      const reader = await as('reader');
      assert.equal(await reader.outcome('KV', 'Range', { key: b('r1') }), 'OK');
      assert.equal(await reader.outcome('KV', 'Put', { key: b('r1') }), DENIED);
      assert.equal(await reader.watchOutcome({ key: b('r1') }), 'OK');
      const root = await as('root');
      assert.equal(await root.outcome('KV', 'Put', { key: b('x') }), 'OK');
      assert.equal(
        await root.outcome('Auth', 'UserAdd', { name: 'cn', options: { noPassword: true } }),
        'OK',
      );
    });

    test('a name that no user has may nothing', async () => {
      const stranger = await as('stranger');
      assert.equal(await stranger.outcome('KV', 'Range', { key: b('r1') }), DENIED);
      assert.equal(
        await stranger.outcome('Auth', 'UserList'),
        'FAILED_PRECONDITION etcdserver: user name not found',
      );
    });

    test('a token goes before the name', async () => {
      const reader = await as('reader');
      const both = await reader.login('both', 'both-pw');
      assert.equal(await reader.outcome('KV', 'Put', { key: b('b1') }, both), 'OK');
      assert.equal(await reader.outcome('KV', 'Range', { key: b('r1') }, both), DENIED);
    });

    test("the gateway's certificate does not count: it is the server's own", async () => {
      const root = await as('root');
      const gateway = { 'grpcgateway-accept': '*/*' };
      assert.equal(await root.outcome('KV', 'Range', { key: b('r1') }, gateway), NAMELESS);
    });
  });

  describe(`who asks is told by signed tokens, on ${target}`, { skip }, () => {
    let folder: string;
    let cluster: ProcessCluster;
    let client: RawClient;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'etcd-jwt-'));
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const [pub, priv] = [join(folder, 'jwt.pub'), join(folder, 'jwt.key')];
      await writeFile(pub, publicKey.export({ type: 'spki', format: 'pem' }));
      await writeFile(priv, privateKey.export({ type: 'pkcs1', format: 'pem' }));
      const flag = `--auth-token=jwt,pub-key=${pub},priv-key=${priv},sign-method=RS256,ttl=1h`;
      ({ cluster, client } = await startWithUsers(program, [flag]));
    });
    after(async () => {
      client.close();
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test('they name user and auth revision, and end in an hour', async () => {
      const { token = '' } = await client.login('reader', 'reader-pw');
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >;
      assert.deepEqual(Object.keys(claims).sort(), ['exp', 'revision', 'username']);
      assert.equal(claims['username'], 'reader');
      // Roles, permissions and users of the test, from 1 on.
      assert.equal(claims['revision'], 17);
      assert.ok(Math.abs(Number(claims['exp']) - Date.now() / 1000 - 3600) < 60);
      assert.equal(await client.outcome('KV', 'Range', { key: b('r1') }, { token }), 'OK');
      assert.equal(await client.outcome('KV', 'Put', { key: b('r1') }, { token }), DENIED);
    });

    test('they are worth nothing when something was changed in them', async () => {
      const { token = '' } = await client.login('reader', 'reader-pw');
      const [head, body = '', signature] = token.split('.');
      const claims = Buffer.from(body, 'base64url').toString().replace('reader', 'root');
      const forged = [head, Buffer.from(claims).toString('base64url'), signature].join('.');
      assert.equal(
        await client.outcome('KV', 'Range', { key: b('r1') }, { token: forged }),
        'UNAUTHENTICATED etcdserver: invalid auth token',
      );
    });

    test('AUTH-3 they are old after any change of users or roles', async () => {
      const reader = await client.login('reader', 'reader-pw');
      const root = await client.login('root', 'root-pw');
      assert.equal(await client.outcome('Auth', 'RoleAdd', { name: 'new' }, root), 'OK');
      const old = 'INVALID_ARGUMENT etcdserver: revision of auth store is old';
      assert.equal(await client.outcome('KV', 'Range', { key: b('r1') }, reader), old);
      const again = await client.login('reader', 'reader-pw');
      assert.equal(await client.outcome('KV', 'Range', { key: b('r1') }, again), 'OK');
    });
  });
}
