import type { Clock, Timer } from '@kubelab/component-base';
import type { MvccStore } from '../core/mvcc-store.ts';

/** Swept in one turn of the event loop: requests wait no longer for a compaction, however large it is. */
const TURN_MS = 2;
/** Somebody walks the store (a checkpoint, a hash): later. */
const BUSY_MS = 20;

/** Gives the space of what compactions have left back, in between of everything else. */
export class Sweeper {
  readonly #store: () => MvccStore;
  readonly #clock: Clock;
  #isAwake = false;
  #timer: Timer | undefined;
  #waiters: (() => void)[] = [];

  constructor(store: () => MvccStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#isAwake) return;
    // A snapshot may have replaced the store that was to be swept.
    if (!this.#store().isSweepDue) return this.#release();
    this.#isAwake = true;
    setImmediate(() => this.#turn());
  }

  /** Resolves when nothing is left to do. */
  done(): Promise<void> {
    if (!this.#store().isSweepDue) return Promise.resolve();
    this.wake();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isAwake = true;
    this.#release();
  }

  #turn(): void {
    const store = this.#store();
    const untilMs = this.#clock.monotonic() + TURN_MS;
    while (store.sweep() && this.#clock.monotonic() < untilMs);
    this.#isAwake = false;
    if (!store.isSweepDue) return this.#release();
    if (store.isWalked) this.#timer = this.#clock.setTimer(BUSY_MS, () => this.wake());
    else this.wake();
  }

  #release(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters = [];
  }
}
