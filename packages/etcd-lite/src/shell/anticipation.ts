import { Patience } from '@kubelab/component-base';

/** A client that asks again as soon as it has its answer does so within this. */
const TURNAROUND_MS = 0.2;
/** From one request to the next, the request itself included, of a client that may be such a one. */
const CYCLE_MS = 2;

/**
 * Stays awake for a moment where the next request is about to come: a process that has gone to sleep is woken late
 * (by 40 µs on a virtual machine, a tenth of a put), and begins with cold caches. Who does not come in time is awaited
 * ever more rarely; with pauses of milliseconds between requests, as in a lab at rest, never.
 */
export class Anticipation {
  readonly #patience = new Patience(TURNAROUND_MS);
  #servedAtMs = Number.NEGATIVE_INFINITY;
  #isAwaiting = false;

  /** A lone request has been carried out in place; its answer is about to leave. */
  served(): void {
    const nowMs = performance.now();
    const isFrequent = nowMs - this.#servedAtMs < CYCLE_MS;
    this.#servedAtMs = nowMs;
    if (this.#isAwaiting || !isFrequent || !this.#patience.mayBlock()) return;
    this.#isAwaiting = true;
    setImmediate(this.#look);
  }

  /** A request, or anything else to do. */
  came(): void {
    if (!this.#isAwaiting) return;
    this.#isAwaiting = false;
    this.#patience.took(performance.now() - this.#servedAtMs);
  }

  /** Each turn of the event loop asks the sockets, without a wait. */
  readonly #look = (): void => {
    if (!this.#isAwaiting) return;
    if (performance.now() - this.#servedAtMs > TURNAROUND_MS) this.came();
    else setImmediate(this.#look);
  };
}
