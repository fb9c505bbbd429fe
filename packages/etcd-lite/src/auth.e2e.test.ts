import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bytesOf } from '@kubelab/rpc/etcd';
import type { LeaseKeepAliveResponse } from '@kubelab/rpc/etcd';
import type { TestStore } from '@kubelab/rpc/testing';
import { makeUsers, withAuth } from './testing/auth-users.ts';
import { type Headers, outcomeOf, RawClient, type Service } from './testing/raw-client.ts';
import { targets } from './testing/targets.ts';

const b = bytesOf;
const keys = (key: string, rangeEnd?: string): object => ({
  key: b(key),
  ...(rangeEnd === undefined ? {} : { rangeEnd: b(rangeEnd) }),
});
const OK = 'OK';
const DENIED = 'PERMISSION_DENIED etcdserver: permission denied';
const NAMELESS = 'INVALID_ARGUMENT etcdserver: user name is empty';
const BAD_TOKEN = 'UNAUTHENTICATED etcdserver: invalid auth token';
const MGMT = 'INVALID_ARGUMENT etcdserver: invalid auth management';
const failed = (text: string): string => `FAILED_PRECONDITION etcdserver: ${text}`;
const NO_USER = failed('user name not found');
const NO_ROLE = failed('role name not found');
const TOO_LONG = 'UNKNOWN bcrypt: password length exceeds 72 bytes';
const FUTURE = 'OUT_OF_RANGE etcdserver: mvcc: required revision is a future revision';
const PUT_W = { requestPut: { key: b('w2') } };
const SHOW_W = { requestPut: { key: b('w2'), prevKv: true } };
/** Reads r… to decide whether to write w…. */
const IF_R = { compare: [{ key: b('r1'), target: 1, createRevision: 99 }], success: [PUT_W] };

interface Case {
  readonly who: string;
  readonly rpc: `${Service}/${string}`;
  readonly request: object;
  readonly want: string;
  /** Later etcds are stricter, or say it better, than the 3.4 that may be installed. */
  readonly isNewer?: boolean;
}
const on = (who: string, rpc: Case['rpc'], request: object, want: string): Case => ({
  who,
  rpc,
  request,
  want,
});
const newer = (...args: Parameters<typeof on>): Case => ({ ...on(...args), isNewer: true });

const CASES: readonly Case[] = [
  on('reader', 'KV/Range', keys('r1'), OK),
  on('reader', 'KV/Range', keys('r', 's'), OK),
  on('reader', 'KV/Range', keys('r', '\0'), DENIED),
  on('reader', 'KV/Range', { ...keys('x'), serializable: true }, DENIED),
  on('reader', 'KV/Range', { ...keys('r1'), revision: 1000 }, FUTURE),
  on('reader', 'KV/Range', { ...keys('x'), revision: 1000 }, DENIED),
  on('nobody', 'KV/Range', keys('r1'), NAMELESS),
  on('forger', 'KV/Range', keys('r1'), BAD_TOKEN),
  on('root', 'KV/Range', keys('a', '\0'), OK),
  newer('bearer', 'KV/Range', keys('r1'), OK),
  on('reader', 'KV/Put', keys('r1'), DENIED),
  on('writer', 'KV/Put', { ...keys('w1'), lease: 100 }, OK),
  on('writer', 'KV/Put', { ...keys('w1'), prevKv: true }, DENIED),
  on('both', 'KV/Put', { ...keys('b1'), prevKv: true, lease: 101 }, OK),
  on('both', 'KV/Put', { ...keys('b2'), lease: 100 }, DENIED),
  on('nobody', 'KV/Put', keys('r1'), NAMELESS),
  on('writer', 'KV/DeleteRange', keys('w9'), OK),
  on('writer', 'KV/DeleteRange', { ...keys('w9'), prevKv: true }, DENIED),
  on('writer', 'KV/DeleteRange', keys('w9', 'z'), DENIED),
  on('both', 'KV/DeleteRange', { ...keys('b9'), prevKv: true }, OK),
  on('reader', 'KV/Txn', { success: [{ requestRange: keys('r1') }] }, OK),
  on('writer', 'KV/Txn', { success: [{ requestRange: keys('r1') }] }, DENIED),
  on('writer', 'KV/Txn', { success: [PUT_W] }, OK),
  on('writer', 'KV/Txn', IF_R, DENIED),
  on('writer', 'KV/Txn', { success: [PUT_W], failure: [{ requestPut: keys('x') }] }, DENIED),
  on('writer', 'KV/Txn', { success: [{ requestDeleteRange: { ...keys('w9'), prevKv: true } }] }, DENIED),
  newer('writer', 'KV/Txn', { success: [SHOW_W] }, DENIED),
  newer('both', 'KV/Txn', { success: [{ requestPut: { ...keys('b2'), lease: 100 } }] }, DENIED),
  newer('writer', 'KV/Txn', { success: [{ requestTxn: IF_R }] }, DENIED),
  on('idle', 'KV/Txn', {}, OK),
  on('idle', 'Lease/LeaseGrant', { TTL: 600 }, OK),
  newer('nobody', 'Lease/LeaseGrant', { TTL: 600 }, NAMELESS),
  on('both', 'Lease/LeaseRevoke', { ID: 100 }, DENIED),
  on('idle', 'Lease/LeaseRevoke', { ID: 4711 }, 'NOT_FOUND etcdserver: requested lease not found'),
  on('idle', 'Lease/LeaseTimeToLive', { ID: 101 }, OK),
  newer('idle', 'Lease/LeaseTimeToLive', { ID: 101, keys: true }, DENIED),
  on('both', 'Lease/LeaseTimeToLive', { ID: 101, keys: true }, OK),
  newer('writer', 'Lease/LeaseTimeToLive', { ID: 100, keys: true }, DENIED),
  newer('nobody', 'Lease/LeaseTimeToLive', { ID: 101 }, NAMELESS),
  newer('both', 'Lease/LeaseLeases', {}, DENIED),
  on('root', 'Lease/LeaseLeases', {}, OK),
  on('idle', 'Cluster/MemberList', {}, OK),
  newer('nobody', 'Cluster/MemberList', {}, NAMELESS),
  on('idle', 'Cluster/MemberRemove', { ID: 4711 }, DENIED),
  on('idle', 'Cluster/MemberPromote', { ID: 4711 }, DENIED),
  on('idle', 'Cluster/MemberAdd', { peerURLs: ['http://127.0.0.1:1'] }, DENIED),
  on('idle', 'Cluster/MemberUpdate', { ID: 1, peerURLs: ['http://127.0.0.1:1'] }, DENIED),
  on('idle', 'Maintenance/Status', {}, OK),
  newer('nobody', 'Maintenance/Status', {}, NAMELESS),
  on('idle', 'Maintenance/Alarm', {}, OK),
  newer('idle', 'Maintenance/Alarm', { action: 2, alarm: 1 }, DENIED),
  newer('idle', 'Maintenance/Defragment', {}, DENIED),
  newer('idle', 'Maintenance/HashKV', {}, DENIED),
  newer('idle', 'Maintenance/MoveLeader', {}, DENIED),
  on('root', 'Maintenance/Defragment', {}, OK),
  on('root', 'Maintenance/HashKV', {}, OK),
  newer('idle', 'Auth/AuthStatus', {}, OK),
  newer('nobody', 'Auth/AuthStatus', {}, OK),
  on('reader', 'Auth/UserList', {}, DENIED),
  on('reader', 'Auth/RoleList', {}, DENIED),
  on('reader', 'Auth/UserGet', { name: 'reader' }, OK),
  on('reader', 'Auth/UserGet', { name: 'root' }, DENIED),
  on('reader', 'Auth/RoleGet', { role: 'reader' }, OK),
  on('reader', 'Auth/RoleGet', { role: 'root' }, DENIED),
  on('reader', 'Auth/RoleGet', { role: 'none' }, DENIED),
  on('root', 'Auth/RoleGet', { role: 'none' }, 'FAILED_PRECONDITION etcdserver: role name not found'),
  on('reader', 'Auth/UserAdd', { name: 'new', password: 'x' }, DENIED),
  on('nobody', 'Auth/UserAdd', { name: 'new', password: 'x' }, NAMELESS),
  on('reader', 'Auth/UserChangePassword', { name: 'reader', password: 'x' }, DENIED),
  on('reader', 'Auth/AuthDisable', {}, DENIED),
  on('root', 'Auth/UserDelete', { name: 'root' }, MGMT),
  on('root', 'Auth/RoleDelete', { role: 'root' }, MGMT),
  on('root', 'Auth/UserRevokeRole', { name: 'root', role: 'root' }, MGMT),
];

const WATCHES: readonly (readonly [who: string, request: object, want: string, isNewer?: boolean])[] = [
  ['reader', keys('r1'), OK],
  ['reader', keys('r', 's'), OK],
  ['reader', keys('x'), '-1 rpc error: code = PermissionDenied desc = etcdserver: permission denied'],
  // Before 3.7.1 etcd looked at the first key only where a range had no end.
  [
    'reader',
    keys('r', '\0'),
    '-1 rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    true,
  ],
  ['reader', keys('', '\0'), '-1 rpc error: code = PermissionDenied desc = etcdserver: permission denied'],
  ['nobody', keys('r1'), '-1 rpc error: code = InvalidArgument desc = etcdserver: user name is empty'],
  ['forger', keys('r1'), '-1 rpc error: code = Unauthenticated desc = etcdserver: invalid auth token'],
  ['root', keys('', '\0'), OK],
];

for (const target of targets) {
  describe(`auth on ${target.name}`, { skip: target.skip }, () => {
    const isOld = target.name === 'etcd';
    let store: TestStore;
    let client: RawClient;
    before(async () => {
      store = await target.start();
      client = new RawClient(store.endpoints[0] ?? '');
      await makeUsers(client);
      for (const ID of [100, 101]) await client.call('Lease', 'LeaseGrant', { ID, TTL: 600 });
      for (const [key, lease] of [
        ['r1', 0],
        ['w1', 100],
        ['b1', 101],
        ['x', 0],
      ] as const)
        await client.call('KV', 'Put', { key: b(key), lease });
    });
    after(async () => {
      client.close();
      await store.stop();
    });

    const auth = (rpc: string, request: object, headers?: Headers): Promise<string> =>
      client.outcome('Auth', rpc, request, headers);

    test('while it is off everybody may, tokens are not looked at and not given', async () => {
      // 3.4 looks at them.
      if (!isOld) assert.equal(await client.outcome('KV', 'Range', keys('x'), { token: 'forged.1' }), OK);
      assert.equal(
        await auth('Authenticate', { name: 'root', password: 'root-pw' }),
        'FAILED_PRECONDITION etcdserver: authentication is not enabled',
      );
    });

    const management: readonly (readonly [
      what: string,
      rpc: string,
      request: object,
      want: string,
      isNewer?: boolean,
    ])[] = [
      [
        'a second user of a name',
        'UserAdd',
        { name: 'root', password: 'x' },
        failed('user name already exists'),
      ],
      ['a user without a name', 'UserAdd', { name: '', password: 'x' }, NAMELESS],
      ['a password that is too long', 'UserAdd', { name: 'l', password: 'x'.repeat(73) }, TOO_LONG, true],
      ['deleting a user that is not', 'UserDelete', { name: 'none' }, NO_USER],
      ['showing a user that is not', 'UserGet', { name: 'none' }, NO_USER],
      ['a password for a user that is not', 'UserChangePassword', { name: 'none', password: 'x' }, NO_USER],
      ['a role for a user that is not', 'UserGrantRole', { user: 'none', role: 'reader' }, NO_USER],
      ['granting a role that is not', 'UserGrantRole', { user: 'idle', role: 'none' }, NO_ROLE],
      ['granting a role once more', 'UserGrantRole', { user: 'root', role: 'root' }, OK],
      [
        'revoking a role that was not granted',
        'UserRevokeRole',
        { name: 'idle', role: 'reader' },
        failed('role is not granted to the user'),
      ],
      ['a second role of a name', 'RoleAdd', { name: 'reader' }, failed('role name already exists')],
      ['a role without a name', 'RoleAdd', { name: '' }, 'INVALID_ARGUMENT etcdserver: role name is empty'],
      ['deleting a role that is not', 'RoleDelete', { role: 'none' }, NO_ROLE],
      ['showing a role that is not', 'RoleGet', { role: 'none' }, NO_ROLE],
      [
        'a permission for a role that is not',
        'RoleGrantPermission',
        { name: 'none', perm: keys('k') },
        NO_ROLE,
      ],
      // 3.4 dies of it.
      [
        'granting no permission',
        'RoleGrantPermission',
        { name: 'reader' },
        'INVALID_ARGUMENT etcdserver: permission not given',
        true,
      ],
      ['a backward range', 'RoleGrantPermission', { name: 'reader', perm: keys('z', 'y') }, MGMT, true],
      [
        'revoking a permission that was not granted',
        'RoleRevokePermission',
        { role: 'reader', ...keys('none') },
        failed('permission is not granted to the role'),
      ],
    ];
    for (const [what, rpc, request, want, isNewer] of management)
      test(`${what}: ${want}`, { skip: isOld && isNewer === true && 'newer than 3.4' }, async () => {
        assert.equal(await auth(rpc, request), want);
      });

    test('each RPC asks who is calling, and answers with code and text as etcd does', async () => {
      await withAuth(client, async () => {
        const who = await everybody(client);
        for (const { who: name, rpc, request, want, isNewer } of CASES) {
          if (isOld && isNewer === true) continue;
          const [service = '', method = ''] = rpc.split('/');
          const got = await client.outcome(service as Service, method, request, who[name]);
          assert.equal(got, want, `${name}: ${rpc} ${JSON.stringify(request)}`);
        }
      });
    });

    test('a watch is refused where it is created, also one without end', async () => {
      await withAuth(client, async () => {
        const who = await everybody(client);
        for (const [name, request, want, isNewer] of WATCHES) {
          if (isOld && isNewer === true) continue;
          assert.equal(
            await client.watchOutcome(request, who[name]),
            want,
            `${name} ${JSON.stringify(request)}`,
          );
        }
      });
    });

    test('a range in parts is for whom the range is', { skip: isOld && 'newer than 3.4' }, async () => {
      await withAuth(client, async () => {
        const who = await everybody(client);
        const stream = (name: string, request: object): Promise<string> =>
          outcomeOf(client.exchange('KV', 'RangeStream', request, who[name]));
        assert.equal(await stream('reader', keys('r', 's')), OK);
        assert.equal(await stream('reader', keys('r', '\0')), DENIED);
        assert.equal(await stream('nobody', keys('r1')), NAMELESS);
      });
    });

    test('a lease is kept alive by who may write its keys', { skip: isOld && 'newer than 3.4' }, async () => {
      await withAuth(client, async () => {
        const who = await everybody(client);
        const keepAlive = (name: string): Promise<LeaseKeepAliveResponse> =>
          client.exchange('Lease', 'LeaseKeepAlive', { ID: 101 }, who[name]);
        assert.equal((await keepAlive('both')).TTL, 600);
        assert.equal(await outcomeOf(keepAlive('writer')), DENIED);
        assert.equal(await outcomeOf(keepAlive('nobody')), NAMELESS);
      });
    });

    test('a wrong password, and one of nobody, are refused alike', async () => {
      await withAuth(client, async () => {
        for (const [name, password] of [
          ['root', 'wrong'],
          ['none', 'x'],
          ['', ''],
          ['root', ''],
        ] as const)
          assert.equal(
            await auth('Authenticate', { name, password }),
            'INVALID_ARGUMENT etcdserver: authentication failed, invalid user ID or password',
          );
      });
    });

    test('AUTH-4 another password makes the tokens before it worthless', async () => {
      await withAuth(client, async () => {
        const { root, idle } = await everybody(client);
        const change = { name: 'idle', password: 'new' };
        assert.equal(await client.outcome('Maintenance', 'Alarm', {}, idle), OK);
        assert.equal(await auth('UserChangePassword', change, root), OK);
        assert.equal(await client.outcome('KV', 'Range', keys('x'), idle), BAD_TOKEN);
        await client.login('idle', 'new');
        assert.equal(await auth('UserChangePassword', { ...change, password: 'idle-pw' }, root), OK);
      });
    });

    test('rights come and go with roles, for tokens that are there already', async () => {
      await withAuth(client, async () => {
        const { root, idle } = await everybody(client);
        const get = (): Promise<string> => client.outcome('KV', 'Range', keys('r1'), idle);
        assert.equal(await get(), DENIED);
        assert.equal(await auth('UserGrantRole', { user: 'idle', role: 'reader' }, root), OK);
        assert.equal(await get(), OK);
        assert.equal(await auth('UserRevokeRole', { name: 'idle', role: 'reader' }, root), OK);
        assert.equal(await get(), DENIED);
      });
    });

    test('lists are in order, and a role shows its permissions', async () => {
      const { users } = await client.call<{ users: string[] }>('Auth', 'UserList');
      assert.deepEqual(users, ['both', 'idle', 'reader', 'root', 'writer']);
      const { roles } = await client.call<{ roles: string[] }>('Auth', 'RoleList');
      assert.deepEqual(roles, ['both', 'reader', 'root', 'writer']);
      const { perm } = await client.call<{ perm: { permType: number; key: Uint8Array }[] }>(
        'Auth',
        'RoleGet',
        {
          role: 'root',
        },
      );
      // 3.4 does not show what the root role may.
      assert.deepEqual(
        perm.map(({ permType, key }) => [permType, key.length]),
        isOld ? [] : [[2, 0]],
      );
    });
  });
}

/** Headers by user, as of now: each has just logged in. */
async function everybody(client: RawClient): Promise<Record<string, Headers>> {
  const who: Record<string, Headers> = { nobody: {}, forger: { token: 'forged.1' } };
  for (const name of ['root', 'reader', 'writer', 'both', 'idle'])
    who[name] = await client.login(name, `${name}-pw`);
  return { ...who, bearer: { authorization: `Bearer ${who['reader']?.['token'] ?? ''}` } };
}
