import type { Clock, Timer } from '@kubelab/component-base';
import type { ReadOutcome, ReadState } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';

export interface ReadsOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Where the names of questions start: an answer to one from before a restart must not pass for a later one's. */
  readonly firstContext: number;
  readonly readIndex: (context: string) => ReadOutcome;
  readonly applied: () => number;
  /** See to it that `beforeRound` is called soon. */
  readonly wake: () => void;
}

interface Batch {
  readonly waiters: (() => void)[];
  readonly rejects: ((error: unknown) => void)[];
  readonly deadlineMs: number;
  askedMs: number;
  context: string;
}

/** A question without an answer is asked again after this: the message, or the leader, was lost. */
const RETRY_MS = 500;

/**
 * Linearizable reads: all reads of one turn share one question to the leader ("up to where must I have
 * applied?") and wait until this member has applied that much.
 * Invariants
 *   READ-1  a read is served from a state that contains every write acknowledged before the read arrived
 */
export class LinearizableReads {
  readonly #options: ReadsOptions;
  #next: Batch | undefined;
  readonly #asked = new Map<string, Batch>();
  #confirmed: { index: number; batch: Batch }[] = [];
  #contextCount: number;
  #timer: Timer | undefined;
  #slowCount = 0;
  #failedCount = 0;

  constructor(options: ReadsOptions) {
    this.#options = options;
    this.#contextCount = options.firstContext;
  }

  /** Questions that had to be asked again. */
  get slowCount(): number {
    return this.#slowCount;
  }
  /** Questions given up. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /** Resolves when local state may be read. */
  wait(): Promise<void> {
    const { clock, timeoutMs, wake } = this.#options;
    const nowMs = clock.monotonic();
    this.#next ??= { waiters: [], rejects: [], deadlineMs: nowMs + timeoutMs, askedMs: 0, context: '' };
    const batch = this.#next;
    wake();
    return new Promise((resolve, reject) => {
      batch.waiters.push(resolve);
      batch.rejects.push(reject);
    });
  }

  beforeRound(): void {
    const batch = this.#next;
    if (batch === undefined) return;
    this.#next = undefined;
    this.#ask(batch);
  }

  answered(reads: readonly ReadState[]): void {
    for (const { context, index } of reads) {
      const batch = this.#asked.get(context);
      if (batch === undefined) continue;
      this.#asked.delete(context);
      this.#confirmed.push({ index, batch });
    }
    this.appliedTo(this.#options.applied());
  }

  appliedTo(index: number): void {
    if (this.#confirmed.length === 0) return;
    const ready = this.#confirmed.filter((each) => each.index <= index);
    if (ready.length === 0) return;
    this.#confirmed = this.#confirmed.filter((each) => each.index > index);
    for (const { batch } of ready) for (const resolve of batch.waiters) resolve();
  }

  /** A new leader: it knows nothing of what was asked before. */
  leaderKnown(): void {
    for (const batch of [...this.#asked.values()]) this.#ask(batch);
  }

  stop(): void {
    this.#timer?.cancel();
    const batches = [...this.#asked.values(), ...this.#confirmed.map(({ batch }) => batch)];
    if (this.#next !== undefined) batches.push(this.#next);
    for (const { rejects } of batches) for (const reject of rejects) reject(new EtcdError('stopped'));
    this.#asked.clear();
    this.#confirmed = [];
    this.#next = undefined;
  }

  #ask(batch: Batch): void {
    this.#asked.delete(batch.context);
    // A new name each time: an answer to an earlier question would be as good, but might come from a deposed
    // leader's round.
    batch.context = String(++this.#contextCount);
    batch.askedMs = this.#options.clock.monotonic();
    this.#asked.set(batch.context, batch);
    this.#options.readIndex(batch.context);
    this.#startTimer();
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    const { clock, wake } = this.#options;
    this.#timer = clock.setTimer(RETRY_MS, () => {
      this.#timer = undefined;
      if (this.#asked.size === 0) return;
      const nowMs = clock.monotonic();
      for (const batch of [...this.#asked.values()]) {
        if (nowMs >= batch.deadlineMs) {
          this.#asked.delete(batch.context);
          this.#failedCount++;
          for (const reject of batch.rejects) reject(new EtcdError('timeout'));
        } else if (nowMs - batch.askedMs >= RETRY_MS) {
          this.#slowCount++;
          this.#ask(batch);
        }
      }
      this.#startTimer();
      wake();
    });
  }
}
