import { EtcdError, learnerGuard } from '@kubelab/etcd-lite';
import { type CallInfo, type Init, loadProto } from '@kubelab/rpc';
import {
  bytesOf,
  type CompactionRequest,
  type CompactionResponse,
  type Compare,
  CompareResult,
  CompareTarget,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type KeyValue,
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  type LeaseId,
  type LeaseKeepAliveResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type ResponseHeader,
  textOf,
  type TxnRequest,
  type TxnResponse,
} from '@kubelab/rpc/etcd';
import type { Running } from '../world/sim-node.ts';
import type { Answer, Request, Seen } from './operation.ts';

/** The part of etcd's API that clients use here: a simulated member's services, or a connection to a real one. */
export interface Store {
  put(request: PutRequest): Promise<Init<PutResponse>>;
  deleteRange(request: DeleteRangeRequest): Promise<Init<DeleteRangeResponse>>;
  range(request: RangeRequest): Promise<Init<RangeResponse>>;
  txn(request: TxnRequest): Promise<Init<TxnResponse>>;
  compact(request: CompactionRequest): Promise<Init<CompactionResponse>>;
  leaseGrant(request: LeaseGrantRequest): Promise<Init<LeaseGrantResponse>>;
  leaseRevoke(request: LeaseRevokeRequest): Promise<Init<LeaseRevokeResponse>>;
  leaseKeepAlive(id: LeaseId): Promise<Init<LeaseKeepAliveResponse>>;
}

/** A simulated member's services, asked as its transport would ask them. */
export function storeOf({ kv, lease, member }: Running): Store {
  const guard = learnerGuard(member);
  const guarded =
    <Req, Res>(rpc: string, fn: (request: Req) => Promise<Res>) =>
    async (request: Req): Promise<Res> => {
      await guard(request, callOf(`/etcdserverpb.${rpc}`));
      return fn(request);
    };
  return {
    put: guarded('KV/Put', kv.put),
    deleteRange: guarded('KV/DeleteRange', kv.deleteRange),
    range: guarded('KV/Range', kv.range),
    txn: guarded('KV/Txn', kv.txn),
    compact: guarded('KV/Compact', kv.compact),
    leaseGrant: guarded('Lease/LeaseGrant', lease.grant),
    leaseRevoke: guarded('Lease/LeaseRevoke', lease.revoke),
    leaseKeepAlive: guarded('Lease/LeaseKeepAlive', lease.keepAlive),
  };
}

/** As a transport would describe the call. */
export function callOf(path: string): CallInfo {
  return {
    path,
    header: () => undefined,
    headers: () => [],
    clientCommonName: undefined,
    clientCertificate: undefined,
    deadlineMs: undefined,
    signal: new AbortController().signal,
    peer: 'sim',
  };
}

export async function call(store: Store, request: Request): Promise<Answer> {
  switch (request.type) {
    case 'put': {
      const put = putRequest(request.key, request.value, request.lease);
      const { header, prevKv } = await store.put(put);
      return { revision: revisionOf(header), previous: prevKv ? [seen(prevKv)] : [] };
    }
    case 'delete': {
      const range = { key: bytesOf(request.key), rangeEnd: bytesOf(request.end ?? '') };
      const { header, prevKvs } = await store.deleteRange({ ...range, prevKv: true });
      return { revision: revisionOf(header), previous: (prevKvs ?? []).map(seen) };
    }
    case 'get': {
      const { header, kvs } = await store.range(rangeRequest(request.key, request.end, request.serializable));
      return { revision: revisionOf(header), found: (kvs ?? []).map(seen) };
    }
    case 'cas': {
      const txn = txnRequest({
        compare: [modRevisionIs(request.key, request.expected)],
        success: [{ requestPut: putRequest(request.key, request.value, 0) }],
        failure: [{ requestRange: rangeRequest(request.key, undefined, false) }],
      });
      const { header, succeeded, responses } = await store.txn(txn);
      const [op] = responses ?? [];
      const { responseRange: range, responsePut: put } = op ?? {};
      return {
        revision: revisionOf(header),
        succeeded: succeeded === true,
        previous: put?.prevKv ? [seen(put.prevKv)] : [],
        found: (range?.kvs ?? []).map(seen),
      };
    }
    case 'grant': {
      const { header, TTL } = await store.leaseGrant({ ID: request.lease, TTL: request.ttlSeconds });
      return { revision: revisionOf(header), ttlSeconds: Number(TTL) };
    }
    case 'keep-alive': {
      const { header, TTL } = await store.leaseKeepAlive(request.lease);
      return { revision: revisionOf(header), ttlSeconds: Number(TTL) };
    }
    case 'revoke': {
      const { header } = await store.leaseRevoke({ ID: request.lease });
      return { revision: revisionOf(header) };
    }
    case 'compact': {
      const { header } = await store.compact({ revision: request.revision, physical: false });
      return { revision: revisionOf(header) };
    }
  }
}

/** Whether an error says for sure that nothing was done. */
export function isRefusal(err: unknown): boolean {
  return err instanceof EtcdError && !UNCERTAIN.has(err.reason);
}

const UNCERTAIN: ReadonlySet<EtcdError['reason']> = new Set([
  'timeout',
  'timeoutLeaderFail',
  'timeoutWaitApplied',
  'stopped',
  'leaderChanged',
]);

/** Members get requests from the wire, where of a union's fields only one is there. */
export function txnRequest(request: Init<TxnRequest>): TxnRequest {
  return txnCodec.decode(txnCodec.encode(request));
}

const txnCodec = loadProto('etcd').message<TxnRequest>('etcdserverpb.TxnRequest');

function modRevisionIs(key: string, modRevision: number): Init<Compare> {
  return { result: CompareResult.EQUAL, target: CompareTarget.MOD, key: bytesOf(key), modRevision };
}

function putRequest(key: string, value: string, lease: number) {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    lease,
    prevKv: true,
    ignoreValue: false,
    ignoreLease: false,
  };
}

function rangeRequest(key: string, end: string | undefined, serializable: boolean): RangeRequest {
  return {
    key: bytesOf(key),
    rangeEnd: bytesOf(end ?? ''),
    limit: 0,
    revision: 0,
    sortOrder: 0,
    sortTarget: 0,
    serializable,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  };
}

function revisionOf(header: Init<ResponseHeader> | null | undefined): number {
  return header?.revision ?? 0;
}

function seen(kv: Init<KeyValue>): Seen {
  return {
    key: textOf(Uint8Array.from(kv.key ?? [])),
    value: textOf(Uint8Array.from(kv.value ?? [])),
    modRevision: kv.modRevision ?? 0,
    createRevision: kv.createRevision ?? 0,
    version: kv.version ?? 0,
  };
}
