import type { DeleteRangeRequest, LeaseId, PutRequest, RequestOp, TxnRequest } from '@kubelab/rpc/etcd';
import type { AuthInfo, InternalRequest } from '../../wire.ts';
import { EtcdError } from '../errors.ts';
import { keyRange, type KeyRange, type KeyText } from '../keys.ts';
import type { Lessor } from '../lessor.ts';
import { type AuthStore, ROOT } from './auth-store.ts';
import { covers } from './permissions.ts';

/** Who asks when nobody has said who they are. */
export const NOBODY: AuthInfo = { username: '', authRevision: 0 };

/** What may be asked by whom depends on these. */
export interface Guarded {
  readonly auth: AuthStore;
  readonly lessor: Lessor;
}

// While auth is off, all of these let everybody pass. Else they throw, in the order and with the words of etcd
// (server/etcdserver/apply/auth.go).

/**
 * May the request of a log entry be applied? Decided here and not where it was proposed: only the log knows
 * which of two came first, the request or the change that forbids it (AUTH-3).
 */
export function checkRequest(guarded: Guarded, request: InternalRequest): void {
  if (!guarded.auth.enabled) return;
  const who = request.header ?? NOBODY;
  if (request.put !== null) checkPut(guarded, who, request.put);
  else if (request.txn !== null) checkTxn(guarded, who, request.txn);
  else if (request.deleteRange !== null) checkDeleteRange(guarded, who, request.deleteRange);
  else if (request.leaseRevoke !== null) checkLeaseKeys(guarded, who, request.leaseRevoke.ID, 'write');
  else if (request.auth !== null && request.auth.authenticate === null) checkRoot(guarded.auth, who);
}

export function checkRoot(auth: AuthStore, who: AuthInfo): void {
  if (!auth.enabled) return;
  if (who.username === '') throw new EtcdError('userEmpty');
  const user = auth.user(who.username);
  if (user === undefined) throw new EtcdError('userNotFound');
  if (!user.roles.includes(ROOT)) throw new EtcdError('permissionDenied');
}

export function isRoot(auth: AuthStore, who: AuthInfo): boolean {
  return !auth.enabled || auth.hasRole(who.username, ROOT);
}

export function checkKeys(auth: AuthStore, who: AuthInfo, range: KeyRange, access: 'read' | 'write'): void {
  if (!auth.enabled) return;
  if (who.authRevision === 0) throw new EtcdError('userEmpty');
  if (who.authRevision < auth.revision) throw new EtcdError('authOldRevision');
  const user = auth.user(who.username);
  if (user === undefined) throw new EtcdError('permissionDenied');
  if (user.roles.includes(ROOT)) return;
  if (!covers(auth.permissionsOf(user)[access], range)) throw new EtcdError('permissionDenied');
}

export function checkTxn(guarded: Guarded, who: AuthInfo, request: TxnRequest): void {
  for (const { key, rangeEnd } of request.compare)
    checkKeys(guarded.auth, who, keyRange(key, rangeEnd), 'read');
  for (const op of request.success) checkOp(guarded, who, op);
  for (const op of request.failure) checkOp(guarded, who, op);
}

/** Whoever may revoke or show a lease, must have the right to all that hangs on it. */
export function checkLeaseKeys(
  { auth, lessor }: Guarded,
  who: AuthInfo,
  id: LeaseId,
  access: 'read' | 'write',
): void {
  if (isRoot(auth, who)) return;
  const keys: Iterable<KeyText> = lessor.get(id)?.keys ?? [];
  for (const key of keys) checkKeys(auth, who, { start: key, end: undefined }, access);
}

function checkOp(guarded: Guarded, who: AuthInfo, op: RequestOp): void {
  const { requestRange, requestPut, requestDeleteRange, requestTxn } = op;
  if (requestRange !== null)
    checkKeys(guarded.auth, who, keyRange(requestRange.key, requestRange.rangeEnd), 'read');
  if (requestPut !== null) checkPut(guarded, who, requestPut);
  if (requestDeleteRange !== null) checkDeleteRange(guarded, who, requestDeleteRange);
  if (requestTxn !== null) checkTxn(guarded, who, requestTxn);
}

function checkPut(guarded: Guarded, who: AuthInfo, { key, lease, prevKv }: PutRequest): void {
  const range = keyRange(key);
  checkKeys(guarded.auth, who, range, 'write');
  // Else a key could be hung on a lease that its owner cannot revoke any more.
  checkLeaseKeys(guarded, who, lease, 'write');
  if (prevKv) checkKeys(guarded.auth, who, range, 'read');
}

function checkDeleteRange({ auth }: Guarded, who: AuthInfo, request: DeleteRangeRequest): void {
  const range = keyRange(request.key, request.rangeEnd);
  checkKeys(auth, who, range, 'write');
  if (request.prevKv) checkKeys(auth, who, range, 'read');
}
