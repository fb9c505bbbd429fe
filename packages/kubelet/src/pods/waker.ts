import type { Clock, Timer } from '@kubelab/component-base';

/** After failures that nothing announces the end of: soon at first, then ever more rarely. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

/** When a pod is to be looked at again, and what may not be tried before a while has passed. */
export class Waker {
  readonly #clock: Clock;
  readonly #kick: () => void;
  #timer: { readonly atMs: number; readonly timer: Timer } | undefined;
  readonly #notBeforeMs = new Map<string, number>();
  readonly #delaysMs = new Map<string, number>();
  #isStopped = false;

  constructor(clock: Clock, kick: () => void) {
    this.#clock = clock;
    this.#kick = kick;
  }

  /** Wakes after a while; the earliest wish counts. */
  after(delayMs: number): void {
    if (this.#isStopped) return;
    const atMs = this.#clock.monotonic() + delayMs;
    if (this.#timer !== undefined) {
      if (this.#timer.atMs <= atMs) return;
      this.#timer.timer.cancel();
    }
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#kick();
    });
    this.#timer = { atMs, timer };
  }

  /** `what` failed: no other try before, whatever wakes the worker meanwhile. */
  retryAfter(what: string, delayMs: number): void {
    this.#notBeforeMs.set(what, this.#clock.monotonic() + delayMs);
    this.after(delayMs);
  }

  /** The same, with a delay that doubles from one failure to the next. */
  failed(what: string): void {
    const delayMs = Math.min((this.#delaysMs.get(what) ?? RETRY_MS_MIN / 2) * 2, RETRY_MS_MAX);
    this.#delaysMs.set(what, delayMs);
    this.retryAfter(what, delayMs);
  }

  succeeded(what: string): void {
    this.#delaysMs.delete(what);
    this.#notBeforeMs.delete(what);
  }

  isTooEarly(what: string): boolean {
    const leftMs = (this.#notBeforeMs.get(what) ?? 0) - this.#clock.monotonic();
    if (leftMs <= 0) return false;
    this.after(leftMs);
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.timer.cancel();
  }
}
