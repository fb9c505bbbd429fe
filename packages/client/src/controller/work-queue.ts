/**
 * WorkQueue — keys waiting for a pass; upstream's `util/workqueue` with rate limiting and delayed adds in one
 * class.
 * Invariants
 *   WQ-1  a key is in the queue at most once, however often it is added
 *   WQ-2  a key is never worked on twice at the same time; added meanwhile, it comes again after `done`
 *   WQ-3  of several delayed adds of a key the earliest counts; an add at once overtakes them
 */
import { assert, type Clock, type Timer } from '@kubelab/component-base';
import type { ObjectKey } from '../types.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Delay after the first failure of a key; doubles with each further one. */
  readonly backoffFirstMs?: number;
  readonly backoffMaxMs?: number;
}

const BACKOFF_FIRST_MS = 5;
const BACKOFF_MAX_MS = 30_000;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoffFirstMs: number;
  readonly #backoffMaxMs: number;
  /** In order, each also in `#dirty` and none in `#processing`. */
  readonly #queue: ObjectKey[] = [];
  /** Everything that needs a pass. */
  readonly #dirty = new Set<ObjectKey>();
  /** Everything in a pass now. */
  readonly #processing = new Set<ObjectKey>();
  readonly #waiting = new Map<ObjectKey, { dueMs: number; timer: Timer }>();
  readonly #failureCounts = new Map<ObjectKey, number>();
  readonly #getters: ((key: ObjectKey | undefined) => void)[] = [];
  #isShutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#backoffFirstMs = options.backoffFirstMs ?? BACKOFF_FIRST_MS;
    this.#backoffMaxMs = options.backoffMaxMs ?? BACKOFF_MAX_MS;
  }

  get depth(): number {
    return this.#queue.length;
  }
  get waitingCount(): number {
    return this.#waiting.size;
  }
  /** Failures in a row of the key. */
  failureCount(key: ObjectKey): number {
    return this.#failureCounts.get(key) ?? 0;
  }

  add(key: ObjectKey): void {
    if (this.#isShutDown) return;
    this.#cancelWaiting(key); // WQ-3
    if (this.#dirty.has(key)) return; // WQ-1
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#offer(key); // WQ-2
  }

  addAfter(key: ObjectKey, delayMs: number): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#clock.monotonic() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return; // WQ-3
    waiting?.timer.cancel();
    this.#waiting.set(key, { dueMs, timer: this.#clock.setTimer(delayMs, () => this.add(key)) });
  }

  /** After a failure: again, later each time. */
  addRateLimited(key: ObjectKey): void {
    const failureCount = this.failureCount(key);
    this.#failureCounts.set(key, failureCount + 1);
    this.addAfter(key, Math.min(this.#backoffFirstMs * 2 ** failureCount, this.#backoffMaxMs));
  }

  /** After a success: the next failure is the first again. */
  forget(key: ObjectKey): void {
    this.#failureCounts.delete(key);
  }

  /** The next key, now in work until `done`; undefined once the queue is shut down. */
  get(): Promise<ObjectKey | undefined> {
    const key = this.#queue.shift();
    if (key !== undefined) {
      this.#begin(key);
      return Promise.resolve(key);
    }
    if (this.#isShutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  done(key: ObjectKey): void {
    assert(this.#processing.delete(key), 'WQ-2', `${key} was not in work`);
    if (this.#dirty.has(key) && !this.#isShutDown) this.#offer(key);
  }

  /** Nothing more comes in, what waits is dropped; passes under way may still call `done`. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#queue.length = 0;
    this.#dirty.clear();
    for (const getter of this.#getters.splice(0)) getter(undefined);
  }

  #offer(key: ObjectKey): void {
    const getter = this.#getters.shift();
    if (getter === undefined) {
      this.#queue.push(key);
      return;
    }
    this.#begin(key);
    getter(key);
  }

  #begin(key: ObjectKey): void {
    assert(!this.#processing.has(key), 'WQ-2', key);
    this.#processing.add(key);
    this.#dirty.delete(key);
  }

  #cancelWaiting(key: ObjectKey): void {
    this.#waiting.get(key)?.timer.cancel();
    this.#waiting.delete(key);
  }
}
