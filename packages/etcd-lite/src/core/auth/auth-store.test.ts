import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, type Permission, PermissionType } from '@kubelab/rpc/etcd';
import { EtcdError } from '../errors.ts';
import { AuthStore } from './auth-store.ts';

const HASH = bytesOf('$2b$10$hash');
const NONE = new Uint8Array();

function permission(key: string, rangeEnd = '', permType: number = PermissionType.READ): Permission {
  return { permType, key: bytesOf(key), rangeEnd: bytesOf(rangeEnd) };
}

/** root and u with the role r; auth is off. */
function storeWithUsers(): AuthStore {
  const store = new AuthStore();
  store.addUser('root', HASH, false);
  store.grantRole('root', 'root');
  store.addRole('r');
  store.addUser('u', HASH, false);
  store.grantRole('u', 'r');
  return store;
}

function enabled(): AuthStore {
  const store = storeWithUsers();
  store.enable();
  return store;
}

describe('the auth store', () => {
  test('AUTH-1 starts at revision 1, and each change makes one more', () => {
    const store = new AuthStore();
    assert.equal(store.revision, 1);
    const changes: readonly (readonly [string, () => void])[] = [
      ['user add', () => store.addUser('root', HASH, false)],
      ['role add', () => store.addRole('r')],
      ['grant role', () => store.grantRole('root', 'root')],
      ['grant permission', () => store.grantPermission('r', permission('k'))],
      ['change permission', () => store.grantPermission('r', permission('k', '', PermissionType.WRITE))],
      ['revoke permission', () => store.revokePermission('r', bytesOf('k'), NONE)],
      ['change password', () => store.changePassword('root', HASH)],
      ['another user', () => store.addUser('u', NONE, true)],
      ['their role', () => store.grantRole('u', 'r')],
      ['revoke role', () => store.revokeRole('u', 'r')],
      ['delete user', () => store.deleteUser('u')],
      ['delete role', () => store.deleteRole('r')],
    ];
    for (const [name, change] of changes) {
      const before: number = store.revision;
      change();
      assert.equal(store.revision, before + 1, name);
    }
  });

  test('AUTH-1 what changes nothing makes no revision; turning off makes one, as in etcd', () => {
    const store = storeWithUsers();
    const { revision } = store;
    store.grantRole('u', 'r');
    store.enable();
    store.enable();
    assert.equal(store.revision, revision);
    store.disable();
    store.disable();
    assert.equal(store.revision, revision + 1);
  });

  const refusals: readonly (readonly [string, (store: AuthStore) => void, string])[] = [
    ['a user without a name', (store) => store.addUser('', HASH, false), 'userEmpty'],
    ['a user twice', (store) => store.addUser('u', HASH, false), 'userExists'],
    ['deleting nobody', (store) => store.deleteUser('x'), 'userNotFound'],
    ["nobody's password", (store) => store.changePassword('x', HASH), 'userNotFound'],
    ['a role for nobody', (store) => store.grantRole('x', 'r'), 'userNotFound'],
    ['a role that is not', (store) => store.grantRole('u', 'x'), 'roleNotFound'],
    ['revoking from nobody', (store) => store.revokeRole('x', 'r'), 'userNotFound'],
    ['revoking what was not granted', (store) => store.revokeRole('u', 'x'), 'roleNotGranted'],
    ['a role without a name', (store) => store.addRole(''), 'roleEmpty'],
    ['a role twice', (store) => store.addRole('r'), 'roleExists'],
    ['deleting no role', (store) => store.deleteRole('x'), 'roleNotFound'],
    ['no permission', (store) => store.grantPermission('r', null), 'permissionNotGiven'],
    ['a permission for no role', (store) => store.grantPermission('x', permission('k')), 'roleNotFound'],
    ['a permission on no key', (store) => store.grantPermission('r', permission('')), 'invalidAuthMgmt'],
    ['a backward range', (store) => store.grantPermission('r', permission('b', 'a')), 'invalidAuthMgmt'],
    ['an empty range', (store) => store.grantPermission('r', permission('b', 'b')), 'invalidAuthMgmt'],
    ['revoking for no role', (store) => store.revokePermission('x', NONE, NONE), 'roleNotFound'],
    ['no such permission', (store) => store.revokePermission('r', NONE, NONE), 'permissionNotGranted'],
  ];
  for (const [name, change, reason] of refusals)
    test(`AUTH-1 refuses ${name} with ${reason}, and stays at its revision`, () => {
      const store = storeWithUsers();
      const before = JSON.stringify(store.stored());
      assert.throws(
        () => change(store),
        (error) => error instanceof EtcdError && error.reason === reason,
      );
      assert.equal(JSON.stringify(store.stored()), before);
    });

  test('AUTH-2 is not turned on without the user root', () => {
    assert.throws(() => new AuthStore().enable(), { message: 'etcdserver: root user does not exist' });
  });

  test('AUTH-2 is not turned on without the role root', () => {
    const store = new AuthStore();
    store.addUser('root', HASH, false);
    assert.throws(() => store.enable(), { message: 'etcdserver: root user does not have root role' });
  });

  const rootOnly: readonly (readonly [string, (store: AuthStore) => void])[] = [
    ['deleting the user root', (store) => store.deleteUser('root')],
    ['deleting the role root', (store) => store.deleteRole('root')],
    ['taking the role root from root', (store) => store.revokeRole('root', 'root')],
  ];
  for (const [name, change] of rootOnly)
    test(`AUTH-2 refuses ${name} while on, and allows it while off`, () => {
      const on = enabled();
      on.addRole('root');
      assert.throws(() => change(on), { message: 'etcdserver: invalid auth management' });
      on.disable();
      change(on);
    });

  test('a deleted role is taken from all who had it', () => {
    const store = storeWithUsers();
    store.deleteRole('r');
    assert.deepEqual(store.user('u')?.roles, []);
  });

  test('a user has no password after it was declared to need none', () => {
    const store = new AuthStore();
    store.addUser('cn', NONE, true);
    store.changePassword('cn', HASH);
    assert.deepEqual(store.user('cn')?.passwordHash, NONE);
  });

  test('lists are in the order of bytes', () => {
    const store = new AuthStore();
    for (const name of ['b', '\u{10000}', 'a', '\uffee']) store.addUser(name, HASH, false);
    assert.deepEqual(store.userNames(), ['a', 'b', '\uffee', '\u{10000}']);
  });

  test('a permission on the same range replaces the one before, others stay, by their keys', () => {
    const store = storeWithUsers();
    for (const [key, end] of [
      ['k', ''],
      ['k', 'z'],
      ['a', ''],
    ] as const)
      store.grantPermission('r', permission(key, end, PermissionType.READWRITE));
    store.grantPermission('r', permission('k', 'z', PermissionType.READ));
    const types = store
      .role('r')
      ?.permissions.map(({ key, rangeEnd, permType }) => [
        `${Buffer.from(key).toString()}-${Buffer.from(rangeEnd).toString()}`,
        permType,
      ]);
    assert.deepEqual(types, [
      ['a-', PermissionType.READWRITE],
      ['k-', PermissionType.READWRITE],
      ['k-z', PermissionType.READ],
    ]);
  });

  test('CKPT-1 comes back from what is stored of it', () => {
    const store = enabled();
    store.grantPermission('r', permission('k', 'z'));
    store.addUser('cn', NONE, true);
    const again = AuthStore.restore(store.stored());
    assert.deepEqual(again.stored(), store.stored());
    assert.deepEqual([again.enabled, again.revision], [true, store.revision]);
  });
});
