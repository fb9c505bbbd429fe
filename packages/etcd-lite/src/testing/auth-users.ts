import { bytesOf, PermissionType } from '@kubelab/rpc/etcd';
import type { RawClient } from './raw-client.ts';

/**
 * root; `reader` may read r…, `writer` may write w…, `both` may do both to b…; `idle` may nothing. Passwords are
 * `<name>-pw`.
 */
export async function makeUsers(client: RawClient): Promise<void> {
  const auth = (rpc: string, request: object): Promise<object> => client.call('Auth', rpc, request);
  await auth('RoleAdd', { name: 'root' });
  const roles = [
    ['reader', PermissionType.READ, 'r'],
    ['writer', PermissionType.WRITE, 'w'],
    ['both', PermissionType.READWRITE, 'b'],
  ] as const;
  for (const [name, permType, key] of roles) {
    await auth('RoleAdd', { name });
    const rangeEnd = bytesOf(String.fromCharCode(key.charCodeAt(0) + 1));
    await auth('RoleGrantPermission', { name, perm: { permType, key: bytesOf(key), rangeEnd } });
  }
  for (const name of ['root', 'reader', 'writer', 'both', 'idle']) {
    await auth('UserAdd', { name, password: `${name}-pw` });
    if (name !== 'idle') await auth('UserGrantRole', { user: name, role: name });
  }
}

/** Turns auth on, and off again when the test is over. */
export async function withAuth<T>(client: RawClient, run: () => Promise<T>): Promise<T> {
  await client.call('Auth', 'AuthEnable');
  try {
    return await run();
  } finally {
    await client.call('Auth', 'AuthDisable', {}, await client.login('root', 'root-pw'));
  }
}
