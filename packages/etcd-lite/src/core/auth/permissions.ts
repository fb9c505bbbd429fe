import { PermissionType } from '@kubelab/rpc/etcd';
import { BEYOND_ALL_KEYS, type KeyRange, keyRange, type KeyText } from '../keys.ts';
import type { Role } from './auth-store.ts';

/** `start <= key < end` */
interface Interval {
  readonly start: KeyText;
  readonly end: KeyText;
}

/** In order, without overlaps, and none that touches the next: what lies in two of them lies in a gap too. */
export type MergedRanges = readonly Interval[];

/** What a user may do by all roles together. */
export interface MergedPermissions {
  readonly read: MergedRanges;
  readonly write: MergedRanges;
}

export function mergePermissions(roles: Iterable<Role>): MergedPermissions {
  const read: KeyRange[] = [];
  const write: KeyRange[] = [];
  for (const { permissions } of roles) {
    for (const { permType, key, rangeEnd } of permissions) {
      const range = keyRange(key, rangeEnd);
      if (permType === PermissionType.READ || permType === PermissionType.READWRITE) read.push(range);
      if (permType === PermissionType.WRITE || permType === PermissionType.READWRITE) write.push(range);
    }
  }
  return { read: mergeRanges(read), write: mergeRanges(write) };
}

export function mergeRanges(ranges: readonly KeyRange[]): MergedRanges {
  const sorted = ranges
    .map(intervalOf)
    .filter(({ start, end }) => start < end)
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const merged: Interval[] = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    if (last === undefined || last.end < next.start) merged.push(next);
    else if (last.end < next.end) merged[merged.length - 1] = { start: last.start, end: next.end };
  }
  return merged;
}

/** Is every key of the range in them? */
export function covers(merged: MergedRanges, range: KeyRange): boolean {
  const { start, end } = intervalOf(range);
  // The last that starts at or before it: as they do not touch, no other can hold it.
  let low = 0;
  let high = merged.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((merged[middle]?.start ?? BEYOND_ALL_KEYS) <= start) low = middle + 1;
    else high = middle;
  }
  const candidate = merged[low - 1];
  return candidate !== undefined && start < candidate.end && end <= candidate.end;
}

function intervalOf({ start, end }: KeyRange): Interval {
  return { start, end: end ?? `${start}\u0000` };
}
