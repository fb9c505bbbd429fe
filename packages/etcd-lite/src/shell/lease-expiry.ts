import type { Clock, Logger, Timer } from '@kubelab/component-base';
import type { LeaseId } from '@kubelab/rpc/etcd';
import type { Lease } from '../core/lessor.ts';

export interface LeaseExpiryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly leases: () => Iterable<Lease>;
  readonly lease: (id: LeaseId) => Lease | undefined;
  /** Resolves when a majority has confirmed that this member still leads. */
  readonly confirmLeadership: () => Promise<void>;
  readonly revoke: (id: LeaseId) => Promise<unknown>;
  /** Writes down how much time leases have left, for the next leader. */
  checkpoint(leases: readonly { ID: LeaseId; remainingTtl: number }[]): Promise<unknown>;
}

/**
 * How often the rest of long leases is written down, as etcd does: a new leader then does not grant them
 * their whole time again.
 */
const CHECKPOINT_INTERVAL_MS = 5 * 60_000;
const RETRY_MS = 500;
const REVOKES_AT_ONCE_MAX = 200;

/**
 * The clock of the leases, which only the leader has. A new leader gives each lease its (written down) rest
 * anew: keys may live longer than promised, never shorter.
 * Invariants
 *   LEASE-2  only a leader that a majority has just confirmed proposes to revoke an expired lease
 */
export class LeaseExpiry {
  readonly #options: LeaseExpiryOptions;
  #expiryMs = new Map<LeaseId, number>();
  #isLeading = false;
  #isRevoking = false;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #checkpointTimer: Timer | undefined;
  #renewedCount = 0;
  #expiredCount = 0;

  constructor(options: LeaseExpiryOptions) {
    this.#options = options;
  }

  /** Renewals, and leases found expired, while this member led. */
  get renewedCount(): number {
    return this.#renewedCount;
  }
  get expiredCount(): number {
    return this.#expiredCount;
  }

  /** This member became the leader; `extraMs` makes up for the time without one. */
  lead(extraMs: number): void {
    this.stop();
    this.#isLeading = true;
    const nowMs = this.#options.clock.monotonic();
    for (const lease of this.#options.leases()) this.#expiryMs.set(lease.id, nowMs + restMs(lease) + extraMs);
    this.#schedule();
    this.#scheduleCheckpoint();
  }

  stop(): void {
    this.#isLeading = false;
    this.#expiryMs = new Map();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    this.#checkpointTimer?.cancel();
  }

  granted(lease: Lease): void {
    if (!this.#isLeading) return;
    const expiryMs = this.#options.clock.monotonic() + lease.ttl * 1000;
    this.#expiryMs.set(lease.id, expiryMs);
    // To look at all the others for each new one would be a second of work for every 10 000 leases.
    if (expiryMs < this.#timerDueMs) this.#startTimer(expiryMs);
  }

  revoked(id: LeaseId): void {
    this.#expiryMs.delete(id);
  }

  /**
   * The full TTL from now on, in seconds; 0 when the lease is gone or past its time (its revocation is under
   * way).
   */
  renew(id: LeaseId): number {
    const lease = this.#options.lease(id);
    const expiryMs = this.#expiryMs.get(id);
    const nowMs = this.#options.clock.monotonic();
    if (lease === undefined || expiryMs === undefined || expiryMs <= nowMs) return 0;
    this.#renewedCount++;
    this.#expiryMs.set(id, nowMs + lease.ttl * 1000);
    if (lease.remainingTtl > 0) void this.#writeDown([{ ID: id, remainingTtl: 0 }]);
    return lease.ttl;
  }

  /** Whole seconds left; undefined: not known here. */
  remaining(id: LeaseId): number | undefined {
    const expiryMs = this.#expiryMs.get(id);
    if (expiryMs === undefined) return undefined;
    return Math.max(0, Math.floor((expiryMs - this.#options.clock.monotonic()) / 1000));
  }

  /** One timer for the earliest. Renewals only move times back: then it comes early and looks again. */
  #schedule(): void {
    if (!this.#isLeading) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const expiryMs of this.#expiryMs.values()) dueMs = Math.min(dueMs, expiryMs);
    if (dueMs >= this.#timerDueMs || dueMs === Number.POSITIVE_INFINITY) return;
    this.#startTimer(dueMs);
  }

  #startTimer(dueMs: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = clock.setTimer(Math.max(1, dueMs - clock.monotonic()), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      void this.#revokeExpired();
    });
  }

  async #revokeExpired(): Promise<void> {
    if (this.#isRevoking || !this.#isLeading) return;
    const nowMs = this.#options.clock.monotonic();
    const expired = [...this.#expiryMs].filter(([, expiryMs]) => expiryMs <= nowMs).map(([id]) => id);
    if (expired.length === 0) return this.#schedule();
    this.#isRevoking = true;
    try {
      await this.#options.confirmLeadership();
      if (!this.#isLeading) return;
      // Meanwhile another may have led, and renewed them.
      const isStillExpired = (id: LeaseId): boolean => (this.#expiryMs.get(id) ?? nowMs + 1) <= nowMs;
      const now = expired.filter(isStillExpired).slice(0, REVOKES_AT_ONCE_MAX);
      await Promise.all(now.map((id) => this.#options.revoke(id)));
      this.#expiredCount += now.length;
      this.#schedule();
    } catch (err) {
      this.#options.log.warn('revoking expired leases failed', { err });
      if (this.#isLeading) this.#startTimer(nowMs + RETRY_MS);
    } finally {
      this.#isRevoking = false;
    }
  }

  #scheduleCheckpoint(): void {
    this.#checkpointTimer?.cancel();
    this.#checkpointTimer = this.#options.clock.setTimer(CHECKPOINT_INTERVAL_MS, () => {
      const long = [...this.#options.leases()].filter(({ ttl }) => ttl * 1000 > CHECKPOINT_INTERVAL_MS);
      const rests = long.map(({ id, ttl }) => ({ ID: id, remainingTtl: this.remaining(id) ?? ttl }));
      if (rests.length > 0) void this.#writeDown(rests);
      if (this.#isLeading) this.#scheduleCheckpoint();
    });
  }

  async #writeDown(rests: readonly { ID: LeaseId; remainingTtl: number }[]): Promise<void> {
    try {
      await this.#options.checkpoint(rests);
    } catch (err) {
      this.#options.log.debug('lease checkpoint failed', { err });
    }
  }
}

function restMs({ ttl, remainingTtl }: Lease): number {
  return (remainingTtl > 0 ? remainingTtl : ttl) * 1000;
}
