/**
 * The replicated log in memory: everything since the last compaction, and five marks in it.
 *
 *   snapshotIndex ≤ applied ≤ applying ≤ commit ≤ lastIndex          stable ≤ offered ≤ lastIndex
 *
 * `applying` and `offered` are what Readies have handed out for applying and for writing; `applied` and
 * `stable` what the driver has acknowledged. (Right after a restored snapshot `applied` lags behind
 * `snapshotIndex` until it is advanced.)
 */
import { assert } from './assert.ts';
import type { Entry, InitialState, Snapshot } from './types.ts';

/**
 * A write in the driver's hands. A later truncation lowers `lastIndex`: what it acknowledges is no longer
 * our log.
 */
export interface LogWrite {
  lastIndex: number;
}

export class RaftLog {
  snapshotIndex: number;
  snapshotTerm: number;
  commit: number;
  applied: number;
  applying: number;
  offered: number;
  stable: number;
  /** A restored snapshot that no Ready has carried yet. */
  pendingSnapshot: Snapshot | undefined = undefined;

  #entries: Entry[];
  #writes: LogWrite[] = [];
  /** Indexes of conf-change entries in the log, ascending: few, and asked for before each campaign. */
  #confIndexes: number[] = [];

  constructor(initial: InitialState) {
    const { snapshotIndex, snapshotTerm, entries } = initial.log;
    this.snapshotIndex = snapshotIndex;
    this.snapshotTerm = snapshotTerm;
    this.#entries = [];
    this.#push(entries);
    this.applied = initial.applied ?? snapshotIndex;
    this.applying = this.applied;
    // What was applied or snapshotted had been committed, even if the stored hint is older.
    this.commit = Math.max(initial.hardState.commit, this.applied, snapshotIndex);
    this.offered = this.lastIndex;
    this.stable = this.lastIndex;
    assert(this.applied >= snapshotIndex, 'RAFT-6', `applied ${this.applied} is before the log's beginning`);
    assert(
      this.commit <= this.lastIndex,
      'RAFT-5',
      `stored commit ${this.commit} is beyond the log ${this.lastIndex}`,
    );
  }

  get firstIndex(): number {
    return this.snapshotIndex + 1;
  }

  get lastIndex(): number {
    return this.snapshotIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.snapshotTerm;
  }

  /** The term of an index; undefined where the log does not reach (compacted, or not there yet). */
  termAt(index: number): number | undefined {
    if (index === this.snapshotIndex) return this.snapshotTerm;
    return this.#entries[index - this.snapshotIndex - 1]?.term;
  }

  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Raft §5.4.1: the later last term wins, then the longer log. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Entries from..to (inclusive), at least one if there is one, then as many as fit into `bytesMax`. */
  slice(from: number, to: number, bytesMax = Number.POSITIVE_INFINITY): Entry[] {
    assert(from > this.snapshotIndex, 'RAFT-7', `entry ${from} is compacted away`);
    const start = from - this.snapshotIndex - 1;
    const limit = Math.min(to - this.snapshotIndex, this.#entries.length);
    let bytes = 0;
    let end = start;
    for (; end < limit; end++) {
      bytes += this.#entries[end]?.data.length ?? 0;
      if (bytes > bytesMax && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  /** Bytes of data in from..to (inclusive). */
  bytesOf(from: number, to: number): number {
    let bytes = 0;
    for (let i = from; i <= to; i++) bytes += this.#entries[i - this.snapshotIndex - 1]?.data.length ?? 0;
    return bytes;
  }

  /** A leader's own new entries (RAFT-3: it only ever appends). */
  append(entries: readonly Entry[]): void {
    this.#push(entries);
  }

  /**
   * A leader's entries at a follower: cuts off a conflicting tail, adds what is new. Returns the last index
   * that matches.
   */
  follow(prevIndex: number, entries: readonly Entry[]): number {
    const isNew = (entry: Entry): boolean => !this.matches(entry.index, entry.term);
    const from = entries.findIndex(isNew);
    const conflict = entries[from];
    if (conflict !== undefined) {
      assert(
        conflict.index > this.commit,
        'RAFT-7',
        `entry ${conflict.index} conflicts below commit ${this.commit}`,
      );
      if (conflict.index <= this.lastIndex) this.#truncate(conflict.index);
      this.#push(from === 0 ? entries : entries.slice(from));
    }
    return prevIndex + entries.length;
  }

  /** RAFT-5: commit only goes forward, and never beyond the log. */
  commitTo(index: number): void {
    if (index <= this.commit) return;
    assert(index <= this.lastIndex, 'RAFT-5', `commit ${index} is beyond the log ${this.lastIndex}`);
    this.commit = index;
  }

  /**
   * The last index ≤ `index` whose term is ≤ `term`, and its term: both sides of a failed probe use it to
   * skip whole terms. Terms only rise along a log, so this is a binary search. Term 0 = unknown
   * (compacted).
   */
  lastAtOrBelowTerm(index: number, term: number): { index: number; term: number } {
    let low = this.snapshotIndex;
    let high = Math.min(index, this.lastIndex);
    if (high < low || this.snapshotTerm > term) return { index: Math.min(index, low), term: 0 };
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.termAt(middle) ?? 0) <= term) low = middle;
      else high = middle - 1;
    }
    return { index: low, term: this.termAt(low) ?? 0 };
  }

  /** Whether a configuration change is committed but not yet applied. */
  hasUnappliedConf(): boolean {
    return this.#confIndexes.some((index) => index > this.applied && index <= this.commit);
  }

  /** Replaces the whole log: the snapshot's sender has committed everything up to it. */
  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    assert(index > this.commit, 'RAFT-7', `snapshot ${index} is not ahead of commit ${this.commit}`);
    this.#entries = [];
    this.#confIndexes = [];
    for (const write of this.#writes) write.lastIndex = 0;
    this.snapshotIndex = index;
    this.snapshotTerm = term;
    this.commit = index;
    this.offered = index;
    this.applying = index;
    this.stable = 0;
    this.pendingSnapshot = snapshot;
  }

  compact(index: number): void {
    if (index <= this.snapshotIndex) return;
    assert(index <= this.applied, 'RAFT-6', `compact ${index} is beyond applied ${this.applied}`);
    this.snapshotTerm = this.termAt(index) ?? 0;
    this.#entries = this.#entries.slice(index - this.snapshotIndex);
    this.snapshotIndex = index;
    this.#confIndexes = this.#confIndexes.filter((conf) => conf > index);
  }

  /** Hands out everything not yet given to the driver for writing. */
  takeUnwritten(): { entries: Entry[]; write: LogWrite } {
    const entries = this.offered < this.lastIndex ? this.slice(this.offered + 1, this.lastIndex) : [];
    this.offered = this.lastIndex;
    const write = { lastIndex: this.offered };
    this.#writes.push(write);
    return { entries, write };
  }

  /** The oldest write is durable. */
  written(write: LogWrite): void {
    assert(this.#writes.shift() === write, 'RAFT-12', 'writes must be acknowledged in order');
    this.stable = Math.max(this.stable, write.lastIndex);
    assert(this.stable <= this.offered, 'RAFT-8', `stable ${this.stable} is beyond offered ${this.offered}`);
  }

  /** Hands out committed entries not yet given to the driver for applying (RAFT-6: each once, in order). */
  takeCommitted(bytesMax: number): Entry[] {
    if (this.applying >= this.commit) return [];
    const entries = this.slice(this.applying + 1, this.commit, bytesMax);
    this.applying += entries.length;
    return entries;
  }

  appliedTo(index: number): void {
    assert(
      index >= this.applied && index <= this.commit,
      'RAFT-6',
      `applied ${this.applied} → ${index} of ${this.commit}`,
    );
    this.applied = index;
  }

  #push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const next = this.lastIndex + 1;
      assert(entry.index === next, 'RAFT-7', `entry ${entry.index} where ${next} is expected`);
      assert(
        entry.term >= this.lastTerm,
        'RAFT-7',
        `entry ${entry.index} goes back from term ${this.lastTerm}`,
      );
      this.#entries.push(entry);
      if (entry.type === 'conf-change') this.#confIndexes.push(entry.index);
    }
  }

  #truncate(from: number): void {
    this.#entries.length = from - this.snapshotIndex - 1;
    this.offered = Math.min(this.offered, from - 1);
    this.stable = Math.min(this.stable, from - 1);
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, from - 1);
    while ((this.#confIndexes.at(-1) ?? 0) >= from) this.#confIndexes.pop();
  }
}
