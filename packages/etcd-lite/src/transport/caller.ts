import { type CallInfo, RpcError, StatusCode } from '@kubelab/rpc';
import { isAnotherLife } from '../core/members.ts';
import { isUrl } from '../flags/urls.ts';
import type { PeerServiceOptions } from './peer-service.ts';

/** etcd's words, to and of a member that belongs to the cluster no more. */
export const REMOVED_TEXT = 'the member has been permanently removed from the cluster';

export const FORGOTTEN_TEXT = 'the member has forgotten what it knew under this id';

type CallerOptions = Pick<
  PeerServiceOptions,
  'clusterId' | 'raftId' | 'isRemoved' | 'lives' | 'onForgotten' | 'onMet'
>;

/** More than a member has. */
const URLS_MAX = 16;

/** Where the caller says that it can be answered. This member will connect there: what is no URL is not taken. */
function urlsIn(header: string | undefined): string[] {
  return (header ?? '').split(',').slice(0, URLS_MAX).filter(isUrl);
}

/**
 * The Raft id of the caller. Members of other clusters are refused, and those that mean another member: they have
 * our address by mistake, or from before we got another id.
 */
export function callerOf(call: Pick<CallInfo, 'header'>, options: CallerOptions): string {
  const { clusterId, raftId, isRemoved, lives } = options;
  const from = call.header('raft-id') ?? '';
  if (call.header('cluster-id') !== clusterId) {
    throw new RpcError(StatusCode.FAILED_PRECONDITION, 'etcdserver: cluster ID mismatch');
  }
  if (isRemoved(from)) throw new RpcError(StatusCode.FAILED_PRECONDITION, REMOVED_TEXT);
  const to = call.header('raft-id-to');
  if (to !== undefined && to !== raftId) {
    throw new RpcError(StatusCode.FAILED_PRECONDITION, `this is member ${raftId}, not ${to}`);
  }
  if (isAnotherLife(lives.of(from), call.header('raft-life') ?? '')) {
    throw new RpcError(StatusCode.FAILED_PRECONDITION, FORGOTTEN_TEXT);
  }
  if (isAnotherLife(call.header('raft-life-to') ?? '', lives.own)) options.onForgotten();
  else options.onMet(from, urlsIn(call.header('raft-urls')));
  return from;
}
