/** The store as the API server needs it: etcd's model with string keys. Revisions are safe integers. */
export interface Store {
  range(request: RangeRequest): Promise<RangeResult>;
  txn(request: TxnRequest): Promise<TxnResult>;
  /** A lease of `ttlSeconds`; keys put with its id vanish when it expires. */
  leaseGrant(ttlSeconds: number): Promise<LeaseId>;
  compact(revision: number): Promise<void>;
  /** Calls the handlers in order of revision; survives lost connections by itself. */
  watch(request: StoreWatchRequest, handlers: StoreWatchHandlers): StoreWatch;
  close(): void;
}

export type LeaseId = string;

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly modRevision: number;
}

/** Linearizable unless `serializable`; `rangeEnd` is exclusive, absent for one key. */
export interface RangeRequest {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly limit?: number;
  readonly revision?: number;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  /** The store's revision when it answered. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Of all keys in the range, whatever the limit. */
  readonly count: number;
}

/** All compares hold → `success`, else → `failure`; both in one revision. */
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly StoreOp[];
  /** Keys to read when a compare fails. */
  readonly failure: readonly string[];
}

/** `modRevision` 0 means: the key is not there. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

export type StoreOp =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly lease?: LeaseId | undefined;
    }
  | { readonly type: 'delete'; readonly key: string };

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: number;
  /** For each key of `failure`, when the txn failed. */
  readonly found: readonly (KeyValue | undefined)[];
}

export interface StoreWatchRequest {
  readonly key: string;
  readonly rangeEnd: string;
  readonly startRevision: number;
}

export type StoreEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface StoreWatchHandlers {
  /** All events of each revision come in one call; `revision` is the newest the store had then. */
  onEvents(events: readonly StoreEvent[], revision: number): void;
  /** Everything up to `revision` has been delivered. */
  onProgress(revision: number): void;
  /** The watch cannot go on: its start was compacted away, or it was refused. */
  onClosed(reason: 'compacted' | 'failed', error?: Error): void;
}

export interface StoreWatch {
  /** Asks for an `onProgress` soon. */
  requestProgress(): void;
  close(): void;
}

/** Why a store call failed: `unavailable` surely did nothing, `unknown` may have. */
export class StoreError extends Error {
  readonly kind: 'unavailable' | 'unknown' | 'compacted' | 'future-revision' | 'refused';
  constructor(kind: StoreError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.kind = kind;
  }
}

/** The first key after all keys with this prefix. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
