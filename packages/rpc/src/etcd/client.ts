import { Metadata } from '@grpc/grpc-js';
import type { Init } from '../wire.ts';
import { type CallOptions, Endpoints, type EtcdClientOptions } from './endpoints.ts';
import { etcdServices } from './services.ts';
import type * as pb from './messages.ts';
import { type WatchHandlers, type WatchOptions, WatchStream } from './watch.ts';

/**
 * A client of any etcd v3 cluster. Requests take any part of etcd's messages. Reads are repeated on the next
 * endpoint when the server, the connection or the leader fails; writes only where it is certain that nobody
 * took them. All reject with `RpcError`; a write's UNAVAILABLE, DEADLINE_EXCEEDED or CANCELLED means that its
 * outcome is unknown.
 */
export class EtcdClient {
  readonly #endpoints: Endpoints;
  readonly #options: EtcdClientOptions;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#endpoints = new Endpoints(options);
  }

  range(request: Init<pb.RangeRequest>, options?: CallOptions): Promise<pb.RangeResponse> {
    return this.#endpoints.call('KV', 'Range', 'read', request, options);
  }

  put(request: Init<pb.PutRequest>, options?: CallOptions): Promise<pb.PutResponse> {
    return this.#endpoints.call('KV', 'Put', 'write', request, options);
  }

  deleteRange(request: Init<pb.DeleteRangeRequest>, options?: CallOptions): Promise<pb.DeleteRangeResponse> {
    return this.#endpoints.call('KV', 'DeleteRange', 'write', request, options);
  }

  txn(request: Init<pb.TxnRequest>, options?: CallOptions): Promise<pb.TxnResponse> {
    return this.#endpoints.call('KV', 'Txn', isReadOnly(request) ? 'read' : 'write', request, options);
  }

  compact(request: Init<pb.CompactionRequest>, options?: CallOptions): Promise<pb.CompactionResponse> {
    return this.#endpoints.call('KV', 'Compact', 'write', request, options);
  }

  leaseGrant(request: Init<pb.LeaseGrantRequest>, options?: CallOptions): Promise<pb.LeaseGrantResponse> {
    return this.#endpoints.call('Lease', 'LeaseGrant', 'write', request, options);
  }

  leaseRevoke(request: Init<pb.LeaseRevokeRequest>, options?: CallOptions): Promise<pb.LeaseRevokeResponse> {
    return this.#endpoints.call('Lease', 'LeaseRevoke', 'write', request, options);
  }

  leaseTimeToLive(
    request: Init<pb.LeaseTimeToLiveRequest>,
    options?: CallOptions,
  ): Promise<pb.LeaseTimeToLiveResponse> {
    return this.#endpoints.call('Lease', 'LeaseTimeToLive', 'read', request, options);
  }

  leaseLeases(options?: CallOptions): Promise<pb.LeaseLeasesResponse> {
    return this.#endpoints.call('Lease', 'LeaseLeases', 'read', {}, options);
  }

  /** Renews once. TTL 0 in the answer: there is no such lease any more. */
  leaseKeepAlive(id: pb.LeaseId): Promise<pb.LeaseKeepAliveResponse> {
    return this.#endpoints.exchange('Lease', 'LeaseKeepAlive', { ID: id });
  }

  memberList(options?: CallOptions): Promise<pb.MemberListResponse> {
    return this.#endpoints.call('Cluster', 'MemberList', 'read', { linearizable: true }, options);
  }

  memberAdd(request: Init<pb.MemberAddRequest>, options?: CallOptions): Promise<pb.MemberAddResponse> {
    return this.#endpoints.call('Cluster', 'MemberAdd', 'write', request, options);
  }

  /** Of one member: the one at `endpoint`, else the current one. Not repeated elsewhere. */
  status(endpoint?: string, options: CallOptions = {}): Promise<pb.StatusResponse> {
    return this.#at(endpoint, 'Status', {}, options);
  }

  hashKv(endpoint: string, revision = 0, options: CallOptions = {}): Promise<pb.HashKVResponse> {
    return this.#at(endpoint, 'HashKV', { revision }, options);
  }

  /** Only the leader's own endpoint takes this. */
  moveLeader(
    endpoint: string,
    targetId: pb.MemberId,
    options: CallOptions = {},
  ): Promise<pb.MoveLeaderResponse> {
    return this.#at(endpoint, 'MoveLeader', { targetID: targetId }, options);
  }

  alarm(request: Init<pb.AlarmRequest>, options?: CallOptions): Promise<pb.AlarmResponse> {
    return this.#endpoints.call('Maintenance', 'Alarm', 'write', request, options);
  }

  /** Each watch has a stream of its own: a slow one holds up no other. */
  watch(options: WatchOptions, handlers: WatchHandlers): WatchStream {
    return new WatchStream(this.#endpoints, options, handlers, this.#options);
  }

  close(): void {
    this.#endpoints.close();
  }

  #at<Res>(endpoint: string | undefined, rpc: string, request: object, options: CallOptions): Promise<Res> {
    const channel = endpoint === undefined ? this.#endpoints.current : this.#endpoints.of(endpoint);
    return this.#endpoints.asUser(channel, new Metadata(), (metadata) =>
      channel.unary(etcdServices.Maintenance, rpc, request, {
        metadata,
        timeoutMs: options.timeoutMs ?? STATUS_TIMEOUT_MS,
        signal: options.signal,
      }),
    );
  }
}

const STATUS_TIMEOUT_MS = 5000;

function isReadOnly(txn: Init<pb.TxnRequest>): boolean {
  const ops = [...(txn.success ?? []), ...(txn.failure ?? [])];
  return ops.every(
    (op) =>
      (op.requestPut ?? null) === null &&
      (op.requestDeleteRange ?? null) === null &&
      ((op.requestTxn ?? null) === null || isReadOnly(op.requestTxn ?? {})),
  );
}
