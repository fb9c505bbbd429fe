import type { Init } from '@kubelab/rpc';
import {
  CompareResult,
  CompareTarget,
  type Compare,
  type LeaseId,
  prefixEnd,
  type RangeRequest,
  SortOrder,
  SortTarget,
} from '@kubelab/rpc/etcd';
import type { LocalClient } from './local-client.ts';

// Who waits for a lock or an election has a key of its own below its name; the oldest of them has won (etcd's
// client/v3/concurrency).

/** What all keys of the queue start with. */
export function queuePrefix(name: Uint8Array): Buffer {
  return Buffer.concat([name, Buffer.from('/')]);
}

/** The place in the queue of whoever holds the lease. */
export function queueKey(name: Uint8Array, lease: LeaseId): Buffer {
  return Buffer.concat([queuePrefix(name), Buffer.from(lease.toString(16))]);
}

export function oldest(prefix: Uint8Array): Init<RangeRequest> {
  return byAge(prefix, SortOrder.ASCEND);
}

export function createdAt(key: Uint8Array, createRevision: number): Init<Compare> {
  return { key, target: CompareTarget.CREATE, result: CompareResult.EQUAL, createRevision };
}

/** Waits for the one before only: else all would wake up with every change. */
export async function waitForOlder(
  client: LocalClient,
  prefix: Uint8Array,
  createRevision: number,
): Promise<void> {
  const older = { ...byAge(prefix, SortOrder.DESCEND), maxCreateRevision: createRevision - 1 };
  for (;;) {
    const { kvs, header } = await client.range(older);
    const [next] = kvs;
    if (next === undefined) return;
    await client.deleted(next.key, header.revision);
  }
}

function byAge(prefix: Uint8Array, sortOrder: number): Init<RangeRequest> {
  return { key: prefix, rangeEnd: prefixEnd(prefix), limit: 1, sortOrder, sortTarget: SortTarget.CREATE };
}
