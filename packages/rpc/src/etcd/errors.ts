import { isRpcError, type RpcError, StatusCode } from '../status.ts';

/** Texts that clients know etcd's errors by. */
export const EtcdText = {
  compacted: 'etcdserver: mvcc: required revision has been compacted',
  futureRevision: 'etcdserver: mvcc: required revision is a future revision',
  noLeader: 'etcdserver: no leader',
  leaderChanged: 'etcdserver: leader changed',
  tooManyRequests: 'etcdserver: too many requests',
  leaseNotFound: 'etcdserver: requested lease not found',
} as const;

export function isCompacted(error: unknown): error is RpcError {
  return error instanceof Error && isRpcError(error) && error.details === EtcdText.compacted;
}

export function isFutureRevision(error: unknown): error is RpcError {
  return isRpcError(error) && error.details === EtcdText.futureRevision;
}

export function isLeaseNotFound(error: unknown): error is RpcError {
  return isRpcError(error) && error.details === EtcdText.leaseNotFound;
}

/** May a read be asked again elsewhere? Whenever the server, the connection or the leader was the trouble. */
export function isRetryableRead(error: unknown): boolean {
  if (!isRpcError(error)) return false;
  if (error.code === StatusCode.UNAVAILABLE) return true;
  // A connection that breaks in mid-answer.
  return error.code === StatusCode.INTERNAL && error.details.includes('RST_STREAM');
}

/**
 * May a write be sent again? Only when it is known that nobody took it: the connection was never there, or
 * the server says that it refused before proposing. Everything else has an unknown outcome, which only the
 * caller can resolve.
 */
export function isRetryableWrite(error: unknown): boolean {
  if (!isRpcError(error)) return false;
  if (error.details === EtcdText.tooManyRequests) return true;
  if (error.code === StatusCode.DEADLINE_EXCEEDED) return error.details.includes('Waiting for LB pick');
  if (error.code !== StatusCode.UNAVAILABLE) return false;
  return error.details === EtcdText.noLeader || NEVER_SENT.test(error.details);
}

const NEVER_SENT = /^(No connection established|Name resolution failed|The channel has been closed)/;
