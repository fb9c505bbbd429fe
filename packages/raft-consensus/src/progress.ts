/**
 * What a leader knows of one member, and how it may send to it.
 *
 *   probe      one append at a time, until the last matching entry is found
 *   replicate  a stream of appends, `next` running ahead of what is acknowledged
 *   snapshot   nothing, until the snapshot has arrived
 */
import { assert } from './assert.ts';
import type { ProgressState, ProgressStatus } from './types.ts';

export interface InflightLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/**
 * The appends under way to a replicating member, oldest first: a queue in an array, with the taken part cut
 * off now and then.
 */
export class Inflights {
  readonly #limits: InflightLimits;
  #queue: { lastIndex: number; bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: InflightLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#queue.length - this.#head;
  }

  /** The last append may have gone over the bytes limit: it is checked before sending, not split. */
  isFull(): boolean {
    return this.count >= this.#limits.messagesMax || this.#bytes >= this.#limits.bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    assert(!this.isFull(), 'RAFT-11', 'an append was sent through a full window');
    this.#queue.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  freeTo(index: number): void {
    for (;;) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined || oldest.lastIndex > index) break;
      this.#bytes -= oldest.bytes;
      this.#head++;
    }
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}

export class Progress {
  state: ProgressState = 'probe';
  /** The last entry known to be durable there and equal to ours. */
  match: number;
  /** The next entry to send. */
  next: number;
  /** The greatest commit index this member has been told, by an append or a heartbeat. */
  sentCommit = 0;
  /** The last read-index round it confirmed. */
  ackedRound = 0;
  /** The snapshot's index while one is under way. */
  pendingSnapshot = 0;
  isRecentlyActive = false;
  /** An append left for it since the last beat: it needs no heartbeat to know its leader. */
  wasSentAppend = false;
  isLearner = false;
  readonly inflights: Inflights;
  /** No more appends until it answers an append or a heartbeat. */
  #isFlowPaused = false;

  constructor(match: number, next: number, limits: InflightLimits) {
    this.match = match;
    this.next = next;
    this.inflights = new Inflights(limits);
  }

  isPaused(): boolean {
    return this.state === 'snapshot' || this.#isFlowPaused;
  }

  becomeProbe(): void {
    // After a snapshot that arrived, the entries it holds need no probing.
    this.next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.#enter('probe');
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  pause(): void {
    this.#isFlowPaused = true;
  }

  unpause(): void {
    this.#isFlowPaused = false;
  }

  sentEntries(count: number, bytes: number): void {
    if (this.state === 'replicate') {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      this.#isFlowPaused = this.inflights.isFull();
    } else {
      this.#isFlowPaused = true;
    }
  }

  /** The member has everything up to `index`. False when that is no news. */
  updateTo(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.unpause();
    return true;
  }

  /**
   * The append after `rejected` did not match; `hint` is where it may. False when the answer is out of
   * date.
   */
  retreat(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.unpause();
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    return true;
  }

  status(): ProgressStatus {
    const { match, next, state, isLearner, isRecentlyActive, pendingSnapshot } = this;
    const inflightMessages = this.inflights.count;
    return {
      match,
      next,
      state,
      isLearner,
      isRecentlyActive,
      isPaused: this.isPaused(),
      pendingSnapshot,
      inflightMessages,
    };
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.#isFlowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.clear();
  }
}
