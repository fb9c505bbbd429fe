import type { WatchCreateRequest } from '@kubelab/rpc/etcd';
import type { AuthGate, Credentials } from '../auth/index.ts';
import { checkKeys } from '../core/auth/check-access.ts';
import { EtcdError, type EtcdErrorName } from '../core/errors.ts';
import { keyRange } from '../core/keys.ts';

/** etcd gives these as its client library prints them, and clients look for the whole text. */
const REASONS: Partial<Record<EtcdErrorName, string>> = {
  invalidAuthToken: 'Unauthenticated',
  authOldRevision: 'InvalidArgument',
  userEmpty: 'InvalidArgument',
  permissionDenied: 'PermissionDenied',
};

/**
 * Why the caller may not watch that; undefined: they may. Asked once: a watch lives on when rights are taken
 * away later, as in etcd.
 */
export async function watchRefusal(
  auth: AuthGate,
  { key, rangeEnd }: WatchCreateRequest,
  call: Credentials | undefined,
): Promise<string | undefined> {
  try {
    const who = await auth.who(call);
    checkKeys(auth.store, who, keyRange(key.length === 0 ? SMALLEST_KEY : key, rangeEnd), 'read');
    return undefined;
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const known = error.reason in REASONS ? error : new EtcdError('permissionDenied');
    return `rpc error: code = ${REASONS[known.reason]} desc = ${known.details}`;
  }
}

const SMALLEST_KEY = Uint8Array.of(0);
