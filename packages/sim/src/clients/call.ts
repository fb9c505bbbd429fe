import { EtcdError } from '@kubelab/etcd-lite';
import { type Init, loadProto } from '@kubelab/rpc';
import {
  bytesOf,
  type Compare,
  CompareResult,
  CompareTarget,
  type KeyValue,
  type RangeRequest,
  type ResponseHeader,
  textOf,
  type TxnRequest,
} from '@kubelab/rpc/etcd';
import type { Running } from '../world/sim-node.ts';
import type { Answer, Request, Seen } from './operation.ts';

/** Puts a request to a member's services, as its transport would. */
export async function call({ kv, lease }: Running, request: Request): Promise<Answer> {
  switch (request.type) {
    case 'put': {
      const put = putRequest(request.key, request.value, request.lease);
      const { header, prevKv } = await kv.put(put);
      return { revision: revisionOf(header), previous: prevKv ? [seen(prevKv)] : [] };
    }
    case 'delete': {
      const range = { key: bytesOf(request.key), rangeEnd: bytesOf(request.end ?? '') };
      const { header, prevKvs } = await kv.deleteRange({ ...range, prevKv: true });
      return { revision: revisionOf(header), previous: (prevKvs ?? []).map(seen) };
    }
    case 'get': {
      const { header, kvs } = await kv.range(rangeRequest(request.key, request.end, request.serializable));
      return { revision: revisionOf(header), found: (kvs ?? []).map(seen) };
    }
    case 'cas': {
      const txn = txnCodec.encode({
        compare: [modRevisionIs(request.key, request.expected)],
        success: [{ requestPut: putRequest(request.key, request.value, 0) }],
        failure: [{ requestRange: rangeRequest(request.key, undefined, false) }],
      });
      const { header, succeeded, responses } = await kv.txn(txnCodec.decode(txn));
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
      const { header, TTL } = await lease.grant({ ID: request.lease, TTL: request.ttlSeconds });
      return { revision: revisionOf(header), ttlSeconds: Number(TTL) };
    }
    case 'keep-alive': {
      const { header, TTL } = await lease.keepAlive(request.lease);
      return { revision: revisionOf(header), ttlSeconds: Number(TTL) };
    }
    default: {
      const { header } = await kv.compact({ revision: request.revision, physical: false });
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
