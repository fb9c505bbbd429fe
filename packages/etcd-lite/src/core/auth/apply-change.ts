import type { Init } from '@kubelab/rpc';
import type { AuthChange } from '../../wire.ts';
import { EtcdError } from '../errors.ts';
import type { AuthStore } from './auth-store.ts';

/**
 * Applies what the log says about users and roles. Returns what the API's response has besides its header.
 * `index` is the log entry's.
 */
export function applyAuthChange(auth: AuthStore, change: AuthChange, index: number): Init<object> {
  if (change.enable !== null) auth.enable();
  else if (change.disable !== null) auth.disable();
  else if (change.authenticate !== null) return authenticate(auth, change.authenticate, index);
  else if (change.userAdd !== null) {
    const { name, hashedPassword, options } = change.userAdd;
    const noPassword = options?.noPassword === true;
    auth.addUser(name, noPassword ? new Uint8Array() : hashOf(hashedPassword), noPassword);
  } else if (change.userDelete !== null) auth.deleteUser(change.userDelete.name);
  else if (change.userChangePassword !== null) {
    auth.changePassword(change.userChangePassword.name, hashOf(change.userChangePassword.hashedPassword));
  } else if (change.userGrantRole !== null) {
    auth.grantRole(change.userGrantRole.user, change.userGrantRole.role);
  } else if (change.userRevokeRole !== null) {
    auth.revokeRole(change.userRevokeRole.name, change.userRevokeRole.role);
  } else if (change.roleAdd !== null) auth.addRole(change.roleAdd.name);
  else if (change.roleDelete !== null) auth.deleteRole(change.roleDelete.role);
  else if (change.roleGrantPermission !== null) {
    auth.grantPermission(change.roleGrantPermission.name, change.roleGrantPermission.perm);
  } else if (change.roleRevokePermission !== null) {
    const { role, key, rangeEnd } = change.roleRevokePermission;
    auth.revokePermission(role, key, rangeEnd);
  }
  return {};
}

/** The password was found right before this was proposed; the user may have gone since. */
function authenticate(
  auth: AuthStore,
  { name, tokenPrefix }: NonNullable<AuthChange['authenticate']>,
  index: number,
): Init<object> {
  if (!auth.enabled) throw new EtcdError('authNotEnabled');
  const user = auth.user(name);
  if (user === undefined || user.noPassword) throw new EtcdError('authFailed');
  return { token: `${tokenPrefix}.${index}` };
}

function hashOf(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}
