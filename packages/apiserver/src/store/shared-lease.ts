import type { Clock } from '@kubelab/component-base';
import type { LeaseId, Store } from './store.ts';

const REUSE_MS = 60_000;

/**
 * Leases for objects that vanish by themselves: what is written within a minute shares one, which lives that
 * minute longer.
 */
export class SharedLease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  #current: { readonly lease: Promise<LeaseId>; readonly untilMs: number } | undefined;

  constructor(store: Store, clock: Clock, ttlMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  get(): Promise<LeaseId> {
    const nowMs = this.#clock.monotonic();
    if (this.#current !== undefined && nowMs < this.#current.untilMs) return this.#current.lease;
    const seconds = Math.ceil((this.#ttlMs + REUSE_MS) / 1000);
    const lease = this.#store.leaseGrant(seconds);
    const current = { lease, untilMs: nowMs + REUSE_MS };
    this.#current = current;
    // One that was not granted is not kept: the next event asks again.
    lease.catch(() => {
      if (this.#current === current) this.#current = undefined;
    });
    return lease;
  }
}
