import { assert } from '@kubelab/component-base';
import type { LeaseId } from '@kubelab/rpc/etcd';
import btree from 'sorted-btree';
import { EtcdError } from './errors.ts';
import { isTombstone, KeyHistory, type KeyVersion } from './key-history.ts';
import { keepBytes } from './keep-bytes.ts';
import { type KeyRange, type KeyText, keyBytes } from './keys.ts';

const BTree = btree.default;

/** A new store's revision; the first write makes 2. */
export const FIRST_REVISION = 1;

export interface RangeResult {
  readonly kvs: KeyVersion[];
  /** All matches, beyond the limit too. */
  readonly count: number;
}

/**
 * The versioned keys. Every write has a revision; all changes of one transaction share one, numbered within
 * it by `sub`.
 * Invariants
 *   MVCC-1  a key's versions have strictly ascending revisions
 *   MVCC-2  the revision grows by exactly one with each transaction that changes anything
 *   MVCC-3  the log holds every change of a revision >= the compacted one, in order, and nothing else
 */
export class MvccStore {
  #revision = FIRST_REVISION;
  #compactRevision = -1;
  #index = new BTree<KeyText, KeyHistory>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  #log: KeyVersion[] = [];
  /** Bytes of keys and values of all versions kept. */
  #bytes = 0;
  /** Readers that walk the index over several turns; pruning waits for them. */
  #walkers = 0;
  #isPruneDue = false;

  get revision(): number {
    return this.#revision;
  }
  /** The oldest revision that can still be read. */
  get compactRevision(): number {
    return this.#compactRevision;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get keyCount(): number {
    return this.#index.size;
  }

  get(key: KeyText, revision: number): KeyVersion | undefined {
    return this.#index.get(key)?.at(revision);
  }

  /**
   * Throws when `revision` is compacted or in the future; 0 is the newest. `at` lets a transaction see its
   * own writes.
   */
  range(range: KeyRange, revision: number, limit = 0, at = this.#revision): RangeResult {
    if (revision > at) throw new EtcdError('futureRevision');
    const wanted = revision <= 0 ? at : revision;
    if (wanted < this.#compactRevision) throw new EtcdError('compacted');
    const kvs: KeyVersion[] = [];
    if (range.end === undefined) {
      const found = this.get(range.start, wanted);
      return { kvs: found === undefined ? kvs : [found], count: found === undefined ? 0 : 1 };
    }
    let count = 0;
    this.#index.forRange(range.start, range.end, false, (_key, history) => {
      const found = history.at(wanted);
      if (found === undefined) return;
      count++;
      if (limit === 0 || count <= limit) kvs.push(found);
    });
    return { kvs, count };
  }

  /** Starts a transaction; nothing shows outside before `commit`. One at a time. */
  begin(): MvccTxn {
    return new MvccTxn(this, this.#revision + 1);
  }

  /** For `MvccTxn`: appends a version to its key's history. */
  write(key: KeyText, make: (history: KeyHistory) => KeyVersion): KeyVersion {
    let history = this.#index.get(key);
    if (history === undefined) {
      history = new KeyHistory(key, keepBytes(keyBytes(key)));
      this.#index.set(key, history);
    }
    const version = make(history);
    history.append(version);
    this.#bytes += sizeOf(version);
    return version;
  }

  /** For `MvccTxn`. */
  finish(revision: number, changes: readonly KeyVersion[]): void {
    assert(revision === this.#revision + 1, 'MVCC-2');
    this.#revision = revision;
    for (const change of changes) this.#log.push(change);
  }

  /** Throws when `revision` is compacted already or in the future. */
  compact(revision: number): void {
    if (revision <= this.#compactRevision) throw new EtcdError('compacted');
    if (revision > this.#revision) throw new EtcdError('futureRevision');
    this.#compactRevision = revision;
    this.#isPruneDue = true;
    this.#pruneIfQuiet();
  }

  /** The changes of revisions >= `from` (not compacted), oldest first. */
  changesSince(from: number): { readonly log: readonly KeyVersion[]; readonly start: number } {
    assert(from >= this.#compactRevision, 'MVCC-3');
    return { log: this.#log, start: firstAtLeast(this.#log, from) };
  }

  /** Walks all histories in key order in slices; between two slices other work may go on. */
  *walk(sliceKeys: number): Generator<readonly KeyHistory[]> {
    this.#walkers++;
    try {
      let after: KeyText | undefined;
      for (;;) {
        const slice: KeyHistory[] = [];
        for (const [key, history] of this.#index.entries(after)) {
          if (key === after) continue;
          slice.push(history);
          if (slice.length === sliceKeys) break;
        }
        if (slice.length === 0) return;
        after = slice.at(-1)?.text;
        yield slice;
      }
    } finally {
      this.#walkers--;
      this.#pruneIfQuiet();
    }
  }

  histories(): IterableIterator<KeyHistory> {
    return this.#index.values();
  }

  /** A store with this content; `versions` in any order of keys, each key's in ascending revision. */
  static restore(
    revision: number,
    compactRevision: number,
    versions: Iterable<Omit<KeyVersion, 'history'>>,
    textOf: (key: Uint8Array) => KeyText,
  ): MvccStore {
    const store = new MvccStore();
    const log: KeyVersion[] = [];
    for (const version of versions) {
      assert(version.modRevision <= revision, 'MVCC-2', 'a version from beyond the revision');
      const restored = store.write(textOf(version.key), (history) => ({
        ...version,
        key: history.key,
        history,
      }));
      if (version.modRevision >= compactRevision) log.push(restored);
    }
    store.#revision = revision;
    store.#compactRevision = compactRevision;
    store.#log = log.sort((a, b) => a.modRevision - b.modRevision || a.sub - b.sub);
    return store;
  }

  #pruneIfQuiet(): void {
    if (!this.#isPruneDue || this.#walkers > 0) return;
    this.#isPruneDue = false;
    const revision = this.#compactRevision;
    const keepFrom = firstAtLeast(this.#log, revision);
    // Only keys with a change up to here can have something to forget; the log names them all.
    const upTo = firstAtLeast(this.#log, revision + 1);
    for (const { history } of this.#log.slice(0, upTo)) {
      const before = history.versions;
      const isEmpty = history.compact(revision);
      if (before === history.versions) continue;
      const dropped = before.slice(0, before.length - history.versions.length);
      for (const version of dropped) this.#bytes -= sizeOf(version);
      if (isEmpty && this.#index.get(history.text) === history) this.#index.delete(history.text);
    }
    this.#log = this.#log.slice(keepFrom);
  }
}

/** The writes of one applied request: all of one revision. */
export class MvccTxn {
  readonly #store: MvccStore;
  readonly #revision: number;
  readonly #changes: KeyVersion[] = [];

  constructor(store: MvccStore, revision: number) {
    this.#store = store;
    this.#revision = revision;
  }

  /** What reads inside see: the writes so far included. */
  get revision(): number {
    return this.#changes.length > 0 ? this.#revision : this.#revision - 1;
  }
  /** That of the writes. */
  get writeRevision(): number {
    return this.#revision;
  }
  get changes(): readonly KeyVersion[] {
    return this.#changes;
  }

  get(key: KeyText): KeyVersion | undefined {
    return this.#store.get(key, this.revision);
  }

  range(range: KeyRange, revision = 0, limit = 0): RangeResult {
    return this.#store.range(range, revision, limit, this.revision);
  }

  put(key: KeyText, value: Uint8Array, lease: LeaseId): KeyVersion {
    const sub = this.#changes.length;
    const version = this.#store.write(key, (history) => history.put(this.#revision, sub, value, lease));
    this.#changes.push(version);
    return version;
  }

  /** The versions that were there. */
  deleteRange(range: KeyRange): KeyVersion[] {
    const { kvs } = this.range(range);
    for (const { history } of kvs) {
      const sub = this.#changes.length;
      this.#changes.push(this.#store.write(history.text, (found) => found.tombstone(this.#revision, sub)));
    }
    return kvs;
  }

  /** Makes the changes visible. The store's revision moves only if there are any. */
  commit(): void {
    if (this.#changes.length > 0) this.#store.finish(this.#revision, this.#changes);
  }
}

export { isTombstone };

function sizeOf(version: KeyVersion): number {
  return version.key.length + version.value.length;
}

function firstAtLeast(log: readonly KeyVersion[], revision: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle]?.modRevision ?? 0) < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
