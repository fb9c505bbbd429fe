import { type Clock, errorMessage, type Logger } from '@kubelab/component-base';
import { type ClientTls, RpcError, StatusCode } from '@kubelab/rpc';
import { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf, EventType, isCompacted, isFutureRevision, textOf } from '@kubelab/rpc/etcd';
import type * as pb from '@kubelab/rpc/etcd';
import {
  type KeyValue,
  type LeaseId,
  type RangeRequest,
  type RangeResult,
  type Store,
  StoreError,
  type StoreEvent,
  type StoreOp,
  type StoreWatch,
  type StoreWatchHandlers,
  type StoreWatchRequest,
  type TxnRequest,
  type TxnResult,
} from './store.ts';

export interface EtcdStoreOptions {
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A `Store` over any etcd v3 cluster. */
export function createEtcdStore(options: EtcdStoreOptions): Store {
  const client = new EtcdClient({
    endpoints: options.endpoints,
    clock: options.clock,
    log: options.log,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  return new EtcdStore(client);
}

class EtcdStore implements Store {
  readonly #client: EtcdClient;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    const response = await orStoreError(
      this.#client.range({
        key: bytesOf(request.key),
        rangeEnd: request.rangeEnd === undefined ? undefined : bytesOf(request.rangeEnd),
        limit: request.limit,
        revision: request.revision,
        countOnly: request.countOnly,
      }),
    );
    return { revision: response.header.revision, kvs: response.kvs.map(keyValue), count: response.count };
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    const response = await orStoreError(
      this.#client.txn({
        compare: request.compare.map(({ key, modRevision }) => ({
          key: bytesOf(key),
          target: COMPARE_MOD,
          result: COMPARE_EQUAL,
          modRevision,
        })),
        success: request.success.map(requestOp),
        failure: request.failure.map((key) => ({ requestRange: { key: bytesOf(key) } })),
      }),
    );
    const found = response.succeeded
      ? []
      : response.responses.map(({ responseRange }) => responseRange?.kvs[0]).map((kv) => kv && keyValue(kv));
    return { succeeded: response.succeeded, revision: response.header.revision, found };
  }

  async leaseGrant(ttlSeconds: number): Promise<LeaseId> {
    const { ID } = await orStoreError(this.#client.leaseGrant({ TTL: ttlSeconds }));
    return String(ID);
  }

  async compact(revision: number): Promise<void> {
    await orStoreError(this.#client.compact({ revision }));
  }

  watch(request: StoreWatchRequest, handlers: StoreWatchHandlers): StoreWatch {
    return this.#client.watch(
      {
        key: bytesOf(request.key),
        rangeEnd: bytesOf(request.rangeEnd),
        startRevision: request.startRevision,
      },
      {
        onEvents: (events, revision) => handlers.onEvents(events.map(storeEvent), revision),
        onProgress: (revision) => handlers.onProgress(revision),
        onEnd: (error) => {
          if (error !== undefined) handlers.onClosed(isCompacted(error) ? 'compacted' : 'failed', error);
        },
      },
    );
  }

  close(): void {
    this.#client.close();
  }
}

/** etcd's enums: what is compared, and how. */
const COMPARE_MOD = 2;
const COMPARE_EQUAL = 0;

function requestOp(op: StoreOp) {
  const key = bytesOf(op.key);
  if (op.type === 'delete') return { requestDeleteRange: { key } };
  return { requestPut: { key, value: op.value, lease: op.lease === undefined ? 0 : leaseNumber(op.lease) } };
}

/** Ids are any 64-bit number: exact as number where that fits. */
function leaseNumber(id: LeaseId): number | bigint {
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : BigInt(id);
}

function keyValue(kv: pb.KeyValue): KeyValue {
  return { key: textOf(kv.key), value: kv.value, modRevision: kv.modRevision };
}

function storeEvent(event: pb.Event): StoreEvent {
  if (event.type === EventType.DELETE) {
    return { type: 'delete', key: textOf(event.kv.key), modRevision: event.kv.modRevision };
  }
  return { type: 'put', kv: keyValue(event.kv) };
}

async function orStoreError<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new StoreError(kindOf(error), errorMessage(error), { cause: error });
  }
}

function kindOf(error: unknown): StoreError['kind'] {
  if (isCompacted(error)) return 'compacted';
  if (isFutureRevision(error)) return 'future-revision';
  if (!(error instanceof RpcError)) return 'unknown';
  switch (error.code) {
    case StatusCode.UNAVAILABLE:
    case StatusCode.DEADLINE_EXCEEDED:
    case StatusCode.CANCELLED:
    case StatusCode.UNKNOWN:
    case StatusCode.INTERNAL:
      return 'unknown';
    default:
      return 'refused';
  }
}
