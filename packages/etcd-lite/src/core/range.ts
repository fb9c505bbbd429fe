import { type Init, EMPTY_BYTES } from '@kubelab/rpc';
import {
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  SortOrder,
  SortTarget,
} from '@kubelab/rpc/etcd';
import type { KeyVersion } from './key-history.ts';
import { type KeyRange, keyRange } from './keys.ts';
import type { RangeResult } from './mvcc-store.ts';

/** What a range reads from: the store, or a transaction that sees its own writes. */
export interface RangeSource {
  readonly revision: number;
  range(range: KeyRange, revision: number, limit: number): RangeResult;
}

/** etcd's Range on any source. Throws `compacted` or `futureRevision`. */
export function executeRange(source: RangeSource, request: RangeRequest): Init<RangeResponse> {
  // One more than the limit tells whether there is more; sorting and filters need all matches, counting none.
  const isCutEarly = hasKeyOrder(request) && !hasFilters(request);
  const wanted = Number(request.limit);
  const limit = request.countOnly ? 1 : isCutEarly && wanted > 0 ? wanted + 1 : 0;
  const found = source.range(keyRange(request.key, request.rangeEnd), request.revision, limit);
  const header = { revision: source.revision };
  if (request.countOnly) return { header, count: found.count };
  let kvs = hasFilters(request) ? found.kvs.filter((kv) => passes(request, kv)) : found.kvs;
  if (!isSorted(request)) kvs = kvs.sort(order(request));
  const more = wanted > 0 && kvs.length > wanted;
  if (more) kvs = kvs.slice(0, wanted);
  return {
    header,
    kvs: request.keysOnly ? kvs.map(withoutValue) : kvs,
    more,
    count: found.count,
  };
}

export function withoutValue(kv: KeyVersion): KeyValue {
  const { key, createRevision, modRevision, version, lease } = kv;
  return { key, createRevision, modRevision, version, value: EMPTY_BYTES, lease };
}

/**
 * As etcd has it: without an order the limit cuts by key, even where the result is then sorted by another
 * target.
 */
export function hasKeyOrder({ sortOrder, sortTarget }: RangeRequest): boolean {
  return sortOrder === SortOrder.NONE || (sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND);
}

function isSorted({ sortOrder, sortTarget }: RangeRequest): boolean {
  return sortTarget === SortTarget.KEY && sortOrder !== SortOrder.DESCEND;
}

export function hasFilters(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function passes(request: RangeRequest, kv: KeyVersion): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (maxModRevision !== 0 && kv.modRevision > maxModRevision) return false;
  if (minModRevision !== 0 && kv.modRevision < minModRevision) return false;
  if (maxCreateRevision !== 0 && kv.createRevision > maxCreateRevision) return false;
  return minCreateRevision === 0 || kv.createRevision >= minCreateRevision;
}

type Comparator = (a: KeyVersion, b: KeyVersion) => number;

const BY_TARGET: Readonly<Record<number, Comparator>> = {
  [SortTarget.KEY]: (a, b) => Buffer.compare(a.key, b.key),
  [SortTarget.VERSION]: (a, b) => a.version - b.version,
  [SortTarget.CREATE]: (a, b) => a.createRevision - b.createRevision,
  [SortTarget.MOD]: (a, b) => a.modRevision - b.modRevision,
  [SortTarget.VALUE]: (a, b) => Buffer.compare(a.value, b.value),
};

function order({ sortOrder, sortTarget }: RangeRequest): Comparator {
  const ascending = BY_TARGET[sortTarget] ?? (() => 0);
  return sortOrder === SortOrder.DESCEND ? (a, b) => ascending(b, a) : ascending;
}
