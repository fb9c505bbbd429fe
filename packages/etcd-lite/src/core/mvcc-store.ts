import { assert } from '@kubelab/component-base';
import { EMPTY_BYTES } from '@kubelab/rpc';
import type { LeaseId } from '@kubelab/rpc/etcd';
import { CountedTree } from './counted-tree.ts';
import { EtcdError } from './errors.ts';
import { KeyHistory } from './key-history.ts';
import { KeyVersion, type VersionRecord } from './key-version.ts';
import { BEYOND_ALL_KEYS, type KeyRange, type KeyText } from './keys.ts';
import { MvccTxn } from './mvcc-txn.ts';
import { type Slab, Slabs } from './slabs.ts';
import type { WireKeyValue } from './wire-key-value.ts';

/** A new store's revision; the first write makes 2. */
export const FIRST_REVISION = 1;

export interface RangeResult {
  readonly kvs: KeyVersion[];
  /** All matches, beyond the limit too. */
  readonly count: number;
}

export interface PageLimits {
  readonly keysMax: number;
  readonly bytesMax: number;
}
export interface Page {
  readonly kvs: KeyVersion[];
  readonly next: KeyText | undefined;
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
  /** It counts the keys that exist now. */
  readonly #index = new CountedTree<KeyHistory>((history) => history.isLive);
  readonly #slabs = new Slabs();
  #log: KeyVersion[] = [];
  /** Bytes of keys and values of all versions kept. */
  #bytes = 0;
  /** Readers that walk the index over several turns; sweeping waits for them. */
  #walkers = 0;
  /** How far in the log the sweep after a compaction is; undefined: none is due. */
  #sweptTo: number | undefined;

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
    if (wanted < at) return this.#rangeOfThePast(range.start, range.end, wanted, limit);
    const count = this.#index.count(range.start, range.end);
    if (count === 0) return { kvs, count };
    this.#index.forRange(range.start, range.end, ({ latest, isLive }) => {
      if (isLive && latest !== undefined) kvs.push(latest);
      return limit === 0 || kvs.length < limit;
    });
    return { kvs, count };
  }

  /** Who existed then has to be looked up for each key. */
  #rangeOfThePast(start: KeyText, end: KeyText, revision: number, limit: number): RangeResult {
    const kvs: KeyVersion[] = [];
    let count = 0;
    this.#index.forRange(start, end, (history) => {
      const found = history.at(revision);
      if (found !== undefined) {
        count++;
        if (limit === 0 || count <= limit) kvs.push(found);
      }
      return true;
    });
    return { kvs, count };
  }

  /**
   * The beginning of a range, for who comes back for the rest: at most `keysMax` keys are looked at, and hardly more
   * than `bytesMax` bytes taken. `next` is where the rest begins; undefined: that was all. Throws as `range`.
   */
  page(range: KeyRange, revision: number, { keysMax, bytesMax }: PageLimits): Page {
    if (revision > this.#revision) throw new EtcdError('futureRevision');
    if (revision < this.#compactRevision) throw new EtcdError('compacted');
    const kvs: KeyVersion[] = [];
    const { start, end = `${start}\0` } = range;
    let seen = 0;
    let bytes = 0;
    let next: KeyText | undefined;
    this.#index.forRange(start, end, (history) => {
      const found = history.at(revision);
      if (found !== undefined) {
        kvs.push(found);
        bytes += found.wireLength;
      }
      if (++seen < keysMax && bytes < bytesMax) return true;
      // The least key beyond it.
      next = `${history.text}\0`;
      return false;
    });
    return { kvs, next: next !== undefined && next < end ? next : undefined };
  }

  /** Starts a transaction; nothing shows outside before `commit`. One at a time. */
  begin(): MvccTxn {
    return new MvccTxn(this, this.#revision + 1);
  }

  /** For `MvccTxn`. */
  put(key: KeyText, value: Uint8Array, lease: LeaseId, modRevision: number, sub: number): KeyVersion {
    const history = this.#historyOf(key);
    const previous = history.isLive ? history.latest : undefined;
    const createRevision = previous?.createRevision ?? modRevision;
    const version = (previous?.version ?? 0) + 1;
    const made = this.#write(history, { createRevision, modRevision, version, lease, sub }, value);
    return this.#append(made);
  }

  /** For `MvccTxn`. */
  bury(history: KeyHistory, modRevision: number, sub: number): KeyVersion {
    const numbers = { createRevision: 0, modRevision, version: 0, lease: 0, sub };
    return this.#append(this.#write(history, numbers, EMPTY_BYTES));
  }

  #historyOf(key: KeyText): KeyHistory {
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    const history = new KeyHistory(key);
    this.#index.insert(key, history);
    return history;
  }

  #write(history: KeyHistory, numbers: Omit<VersionRecord, 'key' | 'value'>, value: Uint8Array): KeyVersion {
    return KeyVersion.write(history, numbers, value, this.#slabs);
  }

  #append(version: KeyVersion): KeyVersion {
    const { history } = version;
    const wasLive = history.isLive;
    history.append(version);
    this.#bytes += sizeOf(version);
    if (history.isLive !== wasLive) this.#index.recount(history.text, wasLive ? -1 : 1);
    return version;
  }

  /** For `MvccTxn`. */
  finish(revision: number, changes: readonly KeyVersion[]): void {
    assert(revision === this.#revision + 1, 'MVCC-2');
    this.#revision = revision;
    for (const change of changes) this.#log.push(change);
  }

  /**
   * From now on nothing before `revision` can be read; `sweep` gives the space back. Throws when `revision`
   * is
   * compacted already or in the future.
   */
  compact(revision: number): void {
    if (revision <= this.#compactRevision) throw new EtcdError('compacted');
    if (revision > this.#revision) throw new EtcdError('futureRevision');
    this.#compactRevision = revision;
    this.#sweptTo = 0;
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
      for (let from: KeyText = ''; ; ) {
        const slice: KeyHistory[] = [];
        this.#index.forRange(from, BEYOND_ALL_KEYS, (history) => {
          slice.push(history);
          return slice.length < sliceKeys;
        });
        const last = slice.at(-1);
        if (last === undefined) return;
        // The least key beyond it.
        from = `${last.text}\0`;
        yield slice;
      }
    } finally {
      this.#walkers--;
    }
  }

  histories(): Generator<KeyHistory, void, undefined> {
    return this.#index.values();
  }

  /** A store with this content; `versions` in any order of keys, each key's in ascending revision. */
  static restore(
    revision: number,
    compactRevision: number,
    versions: Iterable<VersionRecord>,
    textOf: (key: Uint8Array) => KeyText,
  ): MvccStore {
    const { store, add, finish } = MvccStore.restoring();
    for (const version of versions)
      add(store.#write(store.#historyOf(textOf(version.key)), version, version.value));
    return finish(revision, compactRevision);
  }

  /** The same, from versions that lie in memory as they are kept. */
  static restoring() {
    const store = new MvccStore();
    let log: KeyVersion[] = [];
    const add = (version: KeyVersion): KeyVersion => {
      log.push(version);
      return store.#append(version);
    };
    return {
      store,
      add,
      /** One of those that lie in `slab`. */
      adopt: (wire: WireKeyValue, sub: number, slab: Slab): KeyVersion =>
        add(KeyVersion.adopt(store.#historyOf(wire.key), wire, sub, slab)),
      finish: (revision: number, compactRevision: number): MvccStore => {
        log = log.filter(({ modRevision }) => modRevision >= compactRevision);
        store.#log = log.sort((a, b) => a.modRevision - b.modRevision || a.sub - b.sub);
        assert((log.at(-1)?.modRevision ?? 0) <= revision, 'MVCC-2', 'a version from beyond the revision');
        store.#revision = revision;
        store.#compactRevision = compactRevision;
        return store;
      },
    };
  }

  /** Somebody walks it: a sweep has to wait. */
  get isWalked(): boolean {
    return this.#walkers > 0;
  }
  get isSweepDue(): boolean {
    return this.#sweptTo !== undefined || this.#slabs.isSparse;
  }

  /**
   * Does a slice (well below a millisecond) of the work that compactions have left. False: there is nothing
   * to
   * do, or somebody walks the store.
   */
  sweep(): boolean {
    if (this.#walkers > 0) return false;
    if (this.#sweptTo !== undefined) this.#sweepLog(this.#sweptTo);
    else if (this.#slabs.isSparse) this.#slabs.moveOne();
    else return false;
    return true;
  }

  /** Only keys with a change up to the compaction can have something to forget; the log names them all. */
  #sweepLog(from: number): void {
    const revision = this.#compactRevision;
    const upTo = firstAtLeast(this.#log, revision + 1);
    const end = Math.min(upTo, from + SWEEP_CHANGES);
    for (let at = from; at < end; at++) {
      const version = this.#log[at];
      // Else its history has been looked at already: a key with 50 000 versions is not walked 50 000 times.
      if (version?.isKept() === true) this.#forget(version.history, revision);
    }
    this.#sweptTo = end;
    if (end < upTo) return;
    const keepFrom = firstAtLeast(this.#log, revision);
    this.#log = this.#log.slice(keepFrom);
    this.#sweptTo = undefined;
  }

  #forget(history: KeyHistory, revision: number): void {
    for (const version of history.compact(revision)) {
      this.#bytes -= sizeOf(version);
      version.release(this.#slabs);
    }
    if (history.latest === undefined && this.#index.get(history.text) === history)
      this.#index.delete(history.text);
  }
}

/** Changes looked at in one slice of a sweep. */
const SWEEP_CHANGES = 500;

function sizeOf(version: KeyVersion): number {
  return version.history.text.length + version.valueLength;
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
