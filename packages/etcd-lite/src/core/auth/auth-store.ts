import { assert } from '@kubelab/component-base';
import type { Permission } from '@kubelab/rpc/etcd';
import type { StoredAuth } from '../../wire.ts';
import { EtcdError } from '../errors.ts';
import { keyRange } from '../keys.ts';
import { type MergedPermissions, mergePermissions } from './permissions.ts';

export interface User {
  readonly name: string;
  /** As bcrypt gives it; empty: no password will ever do. */
  readonly passwordHash: Uint8Array;
  /** In order. */
  readonly roles: readonly string[];
  /** Known by its certificate or not at all. */
  readonly noPassword: boolean;
}

export interface Role {
  readonly name: string;
  /** In the order of their keys. */
  readonly permissions: readonly Permission[];
}

/** Both the user that auth needs and the role that makes one an administrator. */
export const ROOT = 'root';

/**
 * Users, roles and whether anybody asks for them: etcd's `server/auth/store.go` without its tokens. A
 * function of the log; passwords arrive here as hashes only.
 * Invariants
 *   AUTH-1  every change of users, roles or permissions makes a new auth revision, a refused one makes none
 *   AUTH-2  while auth is on there is a user root with the role root
 */
export class AuthStore {
  #enabled = false;
  #revision = 1;
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  /** By user, of this revision. */
  readonly #merged = new Map<string, MergedPermissions>();

  static restore(stored: StoredAuth): AuthStore {
    const store = new AuthStore();
    store.#enabled = stored.enabled;
    store.#revision = stored.revision;
    for (const { name, password, roles, options } of stored.users) {
      const user = {
        name: textOf(name),
        passwordHash: Buffer.from(password),
        roles: [...roles],
        noPassword: options?.noPassword === true,
      };
      store.#users.set(user.name, user);
    }
    for (const { name, keyPermission } of stored.roles)
      store.#roles.set(textOf(name), { name: textOf(name), permissions: keyPermission.map(ownPermission) });
    store.#checkRoot();
    return store;
  }

  stored(): StoredAuth {
    const { enabled, revision } = this;
    return {
      enabled,
      revision,
      users: this.userNames().map((name) => {
        const { passwordHash, roles, noPassword } = this.#user(name);
        return { name: Buffer.from(name), password: passwordHash, roles, options: { noPassword } };
      }),
      roles: this.roleNames().map((name) => ({
        name: Buffer.from(name),
        keyPermission: this.#role(name).permissions,
      })),
    };
  }

  get enabled(): boolean {
    return this.#enabled;
  }
  /** 1 at first. */
  get revision(): number {
    return this.#revision;
  }
  user(name: string): User | undefined {
    return this.#users.get(name);
  }
  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }
  userNames(): string[] {
    return [...this.#users.keys()].sort(byBytes);
  }
  roleNames(): string[] {
    return [...this.#roles.keys()].sort(byBytes);
  }
  hasRole(userName: string, role: string): boolean {
    return this.#users.get(userName)?.roles.includes(role) === true;
  }

  /** Cached until the next revision. */
  permissionsOf(user: User): MergedPermissions {
    const known = this.#merged.get(user.name);
    if (known !== undefined) return known;
    const roles = user.roles.map((name) => this.#roles.get(name)).filter((role) => role !== undefined);
    const merged = mergePermissions(roles);
    this.#merged.set(user.name, merged);
    return merged;
  }

  // ---- changes: each refuses before it has changed anything ----

  enable(): void {
    if (this.#enabled) return;
    if (!this.#users.has(ROOT)) throw new EtcdError('rootUserNotExist');
    if (!this.hasRole(ROOT, ROOT)) throw new EtcdError('rootRoleNotExist');
    this.#enabled = true;
    // As in etcd: nobody's rights are others than they were.
  }

  disable(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    this.#changed();
  }

  addUser(name: string, passwordHash: Uint8Array, noPassword: boolean): void {
    if (name === '') throw new EtcdError('userEmpty');
    if (this.#users.has(name)) throw new EtcdError('userExists');
    this.#users.set(name, { name, passwordHash: Buffer.from(passwordHash), roles: [], noPassword });
    this.#changed();
  }

  deleteUser(name: string): void {
    if (this.#enabled && name === ROOT) throw new EtcdError('invalidAuthMgmt');
    this.#user(name);
    this.#users.delete(name);
    this.#changed();
  }

  changePassword(name: string, passwordHash: Uint8Array): void {
    const user = this.#user(name);
    const hash = user.noPassword ? new Uint8Array() : Buffer.from(passwordHash);
    this.#users.set(name, { ...user, passwordHash: hash });
    this.#changed();
  }

  grantRole(userName: string, role: string): void {
    const user = this.#user(userName);
    // The root role is there for everybody who is given it, even if nobody has made it.
    if (role !== ROOT) this.#role(role);
    if (user.roles.includes(role)) return;
    this.#users.set(userName, { ...user, roles: [...user.roles, role].sort(byBytes) });
    this.#changed();
  }

  revokeRole(userName: string, role: string): void {
    if (this.#enabled && userName === ROOT && role === ROOT) throw new EtcdError('invalidAuthMgmt');
    const user = this.#user(userName);
    if (!user.roles.includes(role)) throw new EtcdError('roleNotGranted');
    this.#users.set(userName, { ...user, roles: user.roles.filter((each) => each !== role) });
    this.#changed();
  }

  addRole(name: string): void {
    if (name === '') throw new EtcdError('roleEmpty');
    if (this.#roles.has(name)) throw new EtcdError('roleExists');
    this.#roles.set(name, { name, permissions: [] });
    this.#changed();
  }

  deleteRole(name: string): void {
    if (this.#enabled && name === ROOT) throw new EtcdError('invalidAuthMgmt');
    this.#role(name);
    this.#roles.delete(name);
    for (const user of this.#users.values()) {
      if (!user.roles.includes(name)) continue;
      this.#users.set(user.name, { ...user, roles: user.roles.filter((each) => each !== name) });
    }
    this.#changed();
  }

  grantPermission(roleName: string, permission: Permission | null): void {
    if (permission === null) throw new EtcdError('permissionNotGiven');
    const { key, rangeEnd } = permission;
    const { start, end } = keyRange(key, rangeEnd);
    if (start === '' || (end !== undefined && start >= end)) throw new EtcdError('invalidAuthMgmt');
    const role = this.#role(roleName);
    const others = role.permissions.filter((each) => !isOnSame(each, key, rangeEnd));
    const permissions = [...others, ownPermission(permission)].sort(byKey);
    this.#roles.set(roleName, { name: roleName, permissions });
    this.#changed();
  }

  revokePermission(roleName: string, key: Uint8Array, rangeEnd: Uint8Array): void {
    const role = this.#role(roleName);
    const permissions = role.permissions.filter((each) => !isOnSame(each, key, rangeEnd));
    if (permissions.length === role.permissions.length) throw new EtcdError('permissionNotGranted');
    this.#roles.set(roleName, { name: roleName, permissions });
    this.#changed();
  }

  #user(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new EtcdError('userNotFound');
    return user;
  }

  #role(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new EtcdError('roleNotFound');
    return role;
  }

  #changed(): void {
    this.#revision += 1;
    this.#merged.clear();
    this.#checkRoot();
  }

  #checkRoot(): void {
    assert(this.#revision >= 1, 'AUTH-1', `auth revision ${this.#revision}`);
    assert(!this.#enabled || this.hasRole(ROOT, ROOT), 'AUTH-2', 'auth is on without a root');
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function ownPermission({ permType, key, rangeEnd }: Permission): Permission {
  return { permType, key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) };
}

function isOnSame(permission: Permission, key: Uint8Array, rangeEnd: Uint8Array): boolean {
  return Buffer.compare(permission.key, key) === 0 && Buffer.compare(permission.rangeEnd, rangeEnd) === 0;
}

function byKey(a: Permission, b: Permission): number {
  return Buffer.compare(a.key, b.key) || Buffer.compare(a.rangeEnd, b.rangeEnd);
}

/** As etcd's buckets are ordered. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
