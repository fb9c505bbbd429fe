import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient, type EtcdUser } from '@kubelab/rpc/client';
import { bytesOf, PermissionType, textOf } from '@kubelab/rpc/etcd';
import { makeUsers } from './testing/auth-users.ts';
import { ProcessCluster } from './testing/processes.ts';
import { type Headers, RawClient } from './testing/raw-client.ts';

const b = bytesOf;
const SNAPSHOT_COUNT = 100;

describe('auth on three members', () => {
  let cluster: ProcessCluster;
  let raw: RawClient[];
  let root: EtcdClient;
  let rootLogin: Headers | undefined;
  const clients: EtcdClient[] = [];

  before(async () => {
    cluster = await ProcessCluster.start(3, [
      `--snapshot-count=${SNAPSHOT_COUNT}`,
      '--experimental-snapshot-catchup-entries=10',
      '--bcrypt-cost=4',
    ]);
    raw = cluster.endpoints.map((url) => new RawClient(url));
    root = clientOf('root');
    await cluster.leader();
    await makeUsers(first());
    await first().call('Auth', 'AuthEnable');
  });
  after(async () => {
    for (const client of clients) client.close();
    for (const client of raw) client.close();
    await cluster.stop();
  });

  const first = (): RawClient => raw[0] ?? assert.fail();
  function clientOf(name: string, endpoints = cluster.endpoints): EtcdClient {
    const user: EtcdUser = { name, password: `${name}-pw` };
    const client = new EtcdClient({ endpoints, user, log: silentLogger, clock: realClock });
    clients.push(client);
    return client;
  }
  /** As root. */
  async function change(rpc: string, request: object): Promise<void> {
    rootLogin ??= await first().login('root', 'root-pw');
    await first().call('Auth', rpc, request, rootLogin);
  }
  async function sameEverywhere(): Promise<void> {
    const { header } = await root.range({ key: b('x') });
    const hashes = await eventually('all are as far', async () =>
      Promise.all(cluster.endpoints.map((url) => root.hashKv(url, header.revision))),
    );
    assert.equal(new Set(hashes.map(({ hash }) => hash)).size, 1, 'members hold different keys');
  }

  test('a token from any member is good at every other at once', async () => {
    for (const giver of raw) {
      const headers = await giver.login('both', 'both-pw');
      for (const [i, other] of raw.entries())
        assert.equal(await other.outcome('KV', 'Put', { key: b(`b${i}`) }, headers), 'OK');
    }
  });

  test('a token is worthless everywhere once the password is another one', async () => {
    const headers = await first().login('idle', 'idle-pw');
    await change('UserChangePassword', { name: 'idle', password: 'new' });
    for (const each of raw)
      assert.equal(
        await eventually('refused', async () => {
          const outcome = await each.outcome('KV', 'Range', { key: b('b'), serializable: true }, headers);
          return outcome.startsWith('UNAUTHENTICATED') ? outcome : undefined;
        }),
        'UNAUTHENTICATED etcdserver: invalid auth token',
      );
    await change('UserChangePassword', { name: 'idle', password: 'idle-pw' });
  });

  test('AUTH-3 writes go on while users and roles change, and members stay the same', async () => {
    const enough = new AbortController();
    const acknowledged: string[] = [];
    const write = async (url: string, i: number): Promise<void> => {
      const client = clientOf('both', [url]);
      for (let n = 0; !enough.signal.aborted; n++) {
        const key = `b/${i}/${n}`;
        await client.put({ key: b(key), value: b('v') });
        acknowledged.push(key);
      }
    };
    const writers = cluster.endpoints.map(write);
    for (let i = 0; i < 20; i++) {
      await change('RoleAdd', { name: `extra-${i}` });
      await change('UserGrantRole', { user: 'both', role: `extra-${i}` });
      await change('RoleDelete', { role: `extra-${i}` });
    }
    enough.abort();
    await Promise.all(writers);
    const { kvs } = await root.range({ key: b('b/'), rangeEnd: b('b0') });
    assert.deepEqual(new Set(kvs.map(({ key }) => textOf(key))), new Set(acknowledged));
    assert.equal(kvs.length, acknowledged.length);
    await sameEverywhere();
  });

  test('a member that got its users by a snapshot decides like all others (etcd issue 14571)', async () => {
    const away = cluster.members[2]?.name ?? '';
    await root.put({ key: b('before'), value: b('v') });
    await cluster.end(away, 'SIGKILL');
    const [one = '', two = ''] = cluster.endpoints;
    const here = clientOf('root', [one, two]);
    const perm = { permType: PermissionType.WRITE, key: b('given') };
    await eventually('a leader without it', () => here.put({ key: b('x'), value: b('v') }), 20_000);
    await change('RoleGrantPermission', { name: 'writer', perm });
    await change('RoleRevokePermission', { role: 'reader', key: b('r'), rangeEnd: b('s') });
    for (let i = 0; i < 4 * SNAPSHOT_COUNT; i++) await here.put({ key: b(`x${i % 10}`), value: b('v') });
    cluster.startMember(away);
    const back = raw[2] ?? assert.fail();
    const login = await eventually('it is back', () => back.login('writer', 'writer-pw'), 20_000);
    assert.equal(await back.outcome('KV', 'Put', { key: b('given') }, login), 'OK');
    const reader = await back.login('reader', 'reader-pw');
    for (const request of [{ key: b('r1') }, { key: b('r1'), serializable: true }])
      assert.equal(
        await back.outcome('KV', 'Range', request, reader),
        'PERMISSION_DENIED etcdserver: permission denied',
      );
    await sameEverywhere();
  });

  test('a client logs in again by itself when its token is not good any more', async () => {
    const both = clientOf('both');
    const forgetTokens = async (): Promise<void> => {
      for (const password of ['new', 'both-pw'])
        await change('UserChangePassword', { name: 'both', password });
    };
    await both.put({ key: b('b1'), value: b('1') });
    await forgetTokens();
    await both.put({ key: b('b1'), value: b('2') });
    await forgetTokens();
    const seen: string[] = [];
    let isCreated = false;
    const watch = both.watch(
      { key: b('b1') },
      {
        onCreated: () => (isCreated = true),
        onEvents: (events) => seen.push(...events.map(({ kv }) => textOf(kv.value))),
        onEnd: (error) => assert.equal(error, undefined),
      },
    );
    await eventually('the watch stands', () => isCreated);
    await both.put({ key: b('b1'), value: b('3') });
    await eventually('it sees the write', () => seen.includes('3'));
    watch.close();
  });

  test('an expired lease goes, and takes keys along that nobody but root may write', async () => {
    const { ID } = await root.leaseGrant({ TTL: 2 });
    await root.put({ key: b('leased'), value: b('v'), lease: ID });
    await eventually('gone', async () => (await root.range({ key: b('leased') })).count === 0, 15_000);
  });

  test('users and their rights survive the end of all members', async () => {
    for (const { name } of cluster.members) await cluster.end(name, 'SIGKILL');
    for (const { name } of cluster.members) cluster.startMember(name);
    const login = await eventually('back', () => first().login('both', 'both-pw'), 20_000);
    assert.equal(await first().outcome('KV', 'Put', { key: b('b1') }, login), 'OK');
    assert.equal(
      await first().outcome('KV', 'Put', { key: b('x') }, login),
      'PERMISSION_DENIED etcdserver: permission denied',
    );
    assert.equal(
      await first().outcome('KV', 'Put', { key: b('b1') }),
      'INVALID_ARGUMENT etcdserver: user name is empty',
    );
    const { authRevision, enabled } = await first().call<{ authRevision: number; enabled: boolean }>(
      'Auth',
      'AuthStatus',
    );
    assert.ok(enabled && authRevision > 60, `auth revision ${authRevision}`);
  });
});
