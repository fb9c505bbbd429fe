import type { Event, KeyValue } from '@kubelab/rpc/etcd';
import { EventType, WatchFilter } from '@kubelab/rpc/etcd';
import { isTombstone, type KeyVersion } from './key-version.ts';
import { isInRange, type KeyRange } from './keys.ts';
import type { MvccStore } from './mvcc-store.ts';

/** One watch: what it wants, how far it is, and where its events go. */
export interface Watcher {
  readonly range: KeyRange;
  readonly filters: readonly number[];
  readonly prevKv: boolean;
  /** Everything before this revision has been delivered, or is not wanted. */
  nextRevision: number;
  readonly sink: WatchSink;
}

export interface WatchSink {
  /** False while the client does not keep up: the watcher then falls behind, and catches up when asked to. */
  isWritable(): boolean;
  /** All events of one or more whole revisions; `revision` is the store's. */
  events(watcher: Watcher, events: readonly Event[], revision: number): void;
  /** What the watcher needs next was compacted: it gets nothing more. */
  compacted(watcher: Watcher, compactRevision: number): void;
  /** The watcher has fallen behind: call `catchUp` when there is room. */
  behind(watcher: Watcher): void;
}

/** Changes looked at in one go when catching up. */
const CATCH_UP_CHANGES_MAX = 2000;
const CATCH_UP_EVENTS_MAX = 500;

/**
 * Who sees which change. A synced watcher gets each change as it is applied; one that is behind reads the
 * history from where it is. Nothing is queued for slow clients: the history is the queue.
 * Invariants
 *   WATCH-1  a watcher gets each matching change exactly once, in revision order, a revision never split over
 *            two deliveries
 *   WATCH-2  a watcher that needs a compacted revision is cancelled: never a gap
 *   WATCH-3  nothing below a watcher's start revision is delivered, even if that lies in the future
 */
export class WatchHub {
  readonly #store: () => MvccStore;
  readonly #syncedKeys = new Map<string, Set<Watcher>>();
  readonly #syncedRanges = new Set<Watcher>();
  readonly #unsynced = new Set<Watcher>();
  #eventCount = 0;

  constructor(store: () => MvccStore) {
    this.#store = store;
  }

  get size(): number {
    const onKeys = this.#syncedKeys.values().reduce((sum, { size }) => sum + size, 0);
    return this.#unsynced.size + this.#syncedRanges.size + onKeys;
  }
  /** Watchers that are behind. */
  get slowCount(): number {
    return this.#unsynced.size;
  }
  /** Delivered so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  add(watcher: Watcher): void {
    if (watcher.nextRevision > this.#store().revision) this.#setSynced(watcher);
    else this.#unsynced.add(watcher);
  }

  remove(watcher: Watcher): void {
    this.#unsynced.delete(watcher);
    this.#clearSynced(watcher);
  }

  isSynced(watcher: Watcher): boolean {
    return !this.#unsynced.has(watcher);
  }

  /** The changes of one revision, just applied. */
  publish(changes: readonly KeyVersion[]): void {
    const revision = changes[0]?.modRevision;
    if (revision === undefined) return;
    const interested = new Map<Watcher, KeyVersion[]>();
    const note = (watcher: Watcher, change: KeyVersion): void => {
      if (!wants(watcher, change)) return;
      const list = interested.get(watcher);
      if (list === undefined) interested.set(watcher, [change]);
      else list.push(change);
    };
    for (const change of changes) {
      for (const watcher of this.#syncedKeys.get(change.history.text) ?? []) note(watcher, change);
      for (const watcher of this.#syncedRanges) {
        if (isInRange(watcher.range, change.history.text)) note(watcher, change);
      }
    }
    for (const [watcher, matching] of interested) {
      if (watcher.sink.isWritable()) {
        watcher.nextRevision = revision + 1;
        this.#eventCount += matching.length;
        watcher.sink.events(watcher, eventsOf(watcher, matching), revision);
      } else {
        watcher.nextRevision = revision;
        this.#fallBehind(watcher);
      }
    }
  }

  /** Delivers the next piece of history. True when there is more to come at once. */
  catchUp(watcher: Watcher): boolean {
    if (!this.#unsynced.has(watcher) || !watcher.sink.isWritable()) return false;
    const store = this.#store();
    if (watcher.nextRevision < store.compactRevision) {
      this.remove(watcher);
      watcher.sink.compacted(watcher, store.compactRevision);
      return false;
    }
    const { log, start } = store.changesSince(watcher.nextRevision);
    const matching: KeyVersion[] = [];
    let at = start;
    for (; at < log.length; at++) {
      const change = log[at];
      if (change === undefined) break;
      const isNewRevision = change.modRevision !== log[at - 1]?.modRevision;
      const isFull = at - start >= CATCH_UP_CHANGES_MAX || matching.length >= CATCH_UP_EVENTS_MAX;
      if (isNewRevision && isFull) break;
      if (isInRange(watcher.range, change.history.text) && wants(watcher, change)) matching.push(change);
    }
    const isDone = at >= log.length;
    watcher.nextRevision = isDone ? store.revision + 1 : (log[at]?.modRevision ?? store.revision + 1);
    if (isDone) {
      this.#unsynced.delete(watcher);
      this.#setSynced(watcher);
    }
    this.#eventCount += matching.length;
    if (matching.length > 0) watcher.sink.events(watcher, eventsOf(watcher, matching), store.revision);
    return !isDone;
  }

  /** The state was replaced by a newer one: everybody reads on from where he was. */
  restored(): void {
    const { revision } = this.#store();
    const synced = [...this.#syncedRanges, ...[...this.#syncedKeys.values()].flatMap((set) => [...set])];
    for (const watcher of synced) if (watcher.nextRevision <= revision) this.#fallBehind(watcher);
  }

  /**
   * Before the state is replaced: synced watchers know implicitly how far they are; now it must be written
   * down.
   */
  beforeRestore(): void {
    const next = this.#store().revision + 1;
    const synced = [...this.#syncedRanges, ...[...this.#syncedKeys.values()].flatMap((set) => [...set])];
    for (const watcher of synced) watcher.nextRevision = Math.max(watcher.nextRevision, next);
  }

  #fallBehind(watcher: Watcher): void {
    this.#clearSynced(watcher);
    this.#unsynced.add(watcher);
    watcher.sink.behind(watcher);
  }

  #setSynced(watcher: Watcher): void {
    if (watcher.range.end !== undefined) {
      this.#syncedRanges.add(watcher);
      return;
    }
    const { start } = watcher.range;
    const set = this.#syncedKeys.get(start) ?? new Set();
    this.#syncedKeys.set(start, set.add(watcher));
  }

  #clearSynced(watcher: Watcher): void {
    this.#syncedRanges.delete(watcher);
    const set = this.#syncedKeys.get(watcher.range.start);
    if (set?.delete(watcher) === true && set.size === 0) this.#syncedKeys.delete(watcher.range.start);
  }
}

function wants(watcher: Watcher, change: KeyVersion): boolean {
  if (change.modRevision < watcher.nextRevision) return false;
  if (watcher.filters.length === 0) return true;
  return !watcher.filters.includes(isTombstone(change) ? WatchFilter.NODELETE : WatchFilter.NOPUT);
}

function eventsOf(watcher: Watcher, changes: readonly KeyVersion[]): Event[] {
  return changes.map((change) => ({
    type: isTombstone(change) ? EventType.DELETE : EventType.PUT,
    kv: change,
    prevKv: watcher.prevKv ? previousOf(change) : null,
  }));
}

function previousOf(change: KeyVersion): KeyValue | null {
  const { previous } = change;
  return previous === undefined || isTombstone(previous) ? null : previous;
}
