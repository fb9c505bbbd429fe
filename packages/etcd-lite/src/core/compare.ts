import type { Int64 } from '@kubelab/rpc';
import { type Compare, CompareResult, CompareTarget, type KeyValue } from '@kubelab/rpc/etcd';
import { keyRange } from './keys.ts';
import type { RangeSource } from './range.ts';

/** Does the comparison hold for the key, or for every key of its range? */
export function holds(source: RangeSource, compare: Compare): boolean {
  const { kvs } = source.range(keyRange(compare.key, compare.rangeEnd), 0, 0);
  if (kvs.length === 0) {
    // An absent key compares as zeros. But there is no value that an absent key has, not even the empty one.
    if (compare.target === CompareTarget.VALUE) return false;
    return resultHolds(compare.result, orderOf(compare, ABSENT));
  }
  return kvs.every((kv) => resultHolds(compare.result, orderOf(compare, kv)));
}

type Compared = Pick<KeyValue, 'version' | 'createRevision' | 'modRevision' | 'value' | 'lease'>;
const ABSENT: Compared = { version: 0, createRevision: 0, modRevision: 0, value: Buffer.alloc(0), lease: 0 };

/** Negative where what the key has is less than what the comparison says. */
function orderOf(compare: Compare, kv: Compared): number {
  switch (compare.target) {
    case CompareTarget.VERSION:
      return signOf(kv.version, compare.version);
    case CompareTarget.CREATE:
      return signOf(kv.createRevision, compare.createRevision);
    case CompareTarget.MOD:
      return signOf(kv.modRevision, compare.modRevision);
    case CompareTarget.VALUE:
      return Buffer.compare(kv.value, compare.value);
    case CompareTarget.LEASE:
      return signOf(kv.lease, compare.lease);
    default:
      return 0;
  }
}

/** What a client sends may be beyond all numbers, which cannot be subtracted from one. */
function signOf(a: Int64, b: Int64): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function resultHolds(result: number, order: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}
