import { type Init, RpcError, StatusCode } from '@kubelab/rpc';
import type { RangeRequest, RangeResponse } from '@kubelab/rpc/etcd';
import { keyRange } from './keys.ts';
import type { MvccStore } from './mvcc-store.ts';
import { hasFilters, hasKeyOrder, withoutValue } from './range.ts';

/** Of one part: what is encoded in well below a millisecond, so that it keeps nobody waiting. */
const PART = { keysMax: 1000, bytesMax: 128 * 1024 } as const;

/** What needs all keys at once cannot come in parts. Throws with etcd's texts. */
export function checkRangeStream(request: RangeRequest): void {
  if (!hasKeyOrder(request))
    throw new RpcError(StatusCode.UNIMPLEMENTED, 'RangeStream does not support custom sort orders');
  if (hasFilters(request))
    throw new RpcError(StatusCode.UNIMPLEMENTED, 'RangeStream does not support revision filters');
}

/**
 * The answer of Range in parts, all of the revision that is asked for or was the newest at the first step;
 * between two parts the store may change. As in etcd header, `more` and `count` come with the last one, and a
 * compaction beyond the revision ends it with `compacted`.
 */
export function* rangeParts(store: MvccStore, request: RangeRequest): Generator<Init<RangeResponse>> {
  const { keysOnly, countOnly } = request;
  const limit = Number(request.limit);
  const header = { revision: store.revision };
  const revision = request.revision <= 0 ? store.revision : request.revision;
  const { start: first, end = `${first}\0` } = keyRange(request.key, request.rangeEnd);
  const left = (): number => (limit > 0 ? limit - taken : Number.POSITIVE_INFINITY);
  let taken = 0;
  let count = 0;
  for (let start = first; ; ) {
    const { kvs: found, next } = store.page({ start, end }, revision, PART);
    const kvs = countOnly ? [] : found.slice(0, left());
    taken += kvs.length;
    count += found.length;
    const part = { kvs: keysOnly ? kvs.map(withoutValue) : kvs };
    if (next === undefined) {
      yield { ...part, header, more: !countOnly && taken < count, count };
      return;
    }
    // Beyond the limit they are only counted.
    yield part;
    start = next;
  }
}
