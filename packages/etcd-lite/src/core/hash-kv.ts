import { crc32c } from '../wal/crc32c.ts';
import { entryKeySize, entryValueSize, writeEntry } from './backend-entry.ts';
import { sortByRevision, versionsByRevision } from './by-revision.ts';
import { EtcdError } from './errors.ts';
import type { KeyHistory } from './key-history.ts';
import { isTombstone, type KeyVersion } from './key-version.ts';
import type { MvccStore } from './mvcc-store.ts';
import { RunningHash } from './running-hash.ts';

export interface KeyValueHash {
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}

const BUCKET = Buffer.from('key');

/**
 * etcd's `HashKV`: CRC-32C over the name of the bucket and all its entries up to the revision, in the order
 * of revisions. Members with the same compacted revision have the same hash, those of a real etcd included:
 * of what compaction leaves, only that counts which a compaction at the asked revision would leave too.
 * Yields now and then. Throws when the revision is compacted or in the future.
 */
export function* hashKv(store: MvccStore, revision: number): Generator<undefined, KeyValueHash> {
  const { compactRevision } = store;
  if (revision > store.revision) throw new EtcdError('futureRevision');
  if (revision > 0 && revision < compactRevision) throw new EtcdError('compacted');
  const hashRevision = revision <= 0 ? store.revision : revision;
  const selection = new Selection(compactRevision, hashRevision);
  const counted = yield* versionsByRevision(store, (history) => selection.of(history));
  const { replaced, isAnyAlive } = selection;
  const versions =
    isAnyAlive || replaced.length === 0 ? counted : yield* sortByRevision(counted.concat(replaced));
  const hash = new RunningHash(crc32c(BUCKET));
  for (const version of versions) {
    const size = entryKeySize(version) + entryValueSize(version);
    if (hash.add(size, (target, offset) => writeEntry(version, target, offset))) yield;
  }
  return { hash: hash.end(), compactRevision, hashRevision };
}

/**
 * Which versions count. Of those up to the compacted revision: what compaction leaves, which is the newest of
 * each key if it is no deletion; and only while it is still the newest at the revision of the hash. But when
 * no key lives at that revision, etcd's rule leaves out nothing.
 */
class Selection {
  readonly #compactRevision: number;
  readonly #hashRevision: number;
  /** Left by compaction, but replaced or deleted up to the revision of the hash. */
  readonly replaced: KeyVersion[] = [];
  /** Known once all keys have been seen. */
  isAnyAlive = false;

  constructor(compactRevision: number, hashRevision: number) {
    this.#compactRevision = compactRevision;
    this.#hashRevision = hashRevision;
  }

  /** Of one key's versions those that count while any key is alive. */
  of(history: KeyHistory): KeyVersion[] {
    const kept = history.keptAt(this.#compactRevision);
    const known = kept.filter(({ modRevision }) => modRevision <= this.#hashRevision);
    const later = known.filter(({ modRevision }) => modRevision > this.#compactRevision);
    const newest = known.at(-1);
    this.isAnyAlive ||= newest !== undefined && !isTombstone(newest);
    const left = known[known.length - later.length - 1];
    if (left === undefined || isTombstone(left)) return later;
    if (left === newest) return [left, ...later];
    this.replaced.push(left);
    return later;
  }
}
