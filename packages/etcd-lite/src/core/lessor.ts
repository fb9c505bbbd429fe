import type { LeaseId } from '@kubelab/rpc/etcd';
import { EtcdError } from './errors.ts';
import type { KeyText } from './keys.ts';

/** Seconds; etcd's largest. */
export const LEASE_TTL_MAX = 9_000_000_000;

export interface Lease {
  readonly id: LeaseId;
  /** Seconds granted. */
  readonly ttl: number;
  /** Seconds that were left when the leader last had it written down; 0: never, count the whole TTL. */
  remainingTtl: number;
  readonly keys: Set<KeyText>;
}

/**
 * The leases as the log has them: who exists and which keys hang on whom. It knows no time: that leases run
 * out is the leader's business (`shell/lease-expiry.ts`), which proposes their revocation.
 * Invariants
 *   LEASE-1  a key hangs on at most one lease, and on that which its newest version names
 */
export class Lessor {
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #leaseOfKey = new Map<KeyText, Lease>();

  get(id: LeaseId): Lease | undefined {
    return this.#leases.get(id);
  }
  all(): IterableIterator<Lease> {
    return this.#leases.values();
  }

  grant(id: LeaseId, ttl: number, remainingTtl = 0): Lease {
    if (id === 0) throw new EtcdError('leaseNotFound');
    if (ttl > LEASE_TTL_MAX) throw new EtcdError('leaseTtlTooLarge');
    if (this.#leases.has(id)) throw new EtcdError('leaseExists');
    const lease: Lease = { id, ttl, remainingTtl, keys: new Set() };
    this.#leases.set(id, lease);
    return lease;
  }

  /** The keys that hung on it, sorted, so that every member deletes them in the same order. */
  revoke(id: LeaseId): KeyText[] {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new EtcdError('leaseNotFound');
    this.#leases.delete(id);
    return [...lease.keys].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Called for each put (`lease` 0: none) and each deletion. */
  attach(key: KeyText, id: LeaseId): void {
    const before = this.#leaseOfKey.get(key);
    if (before !== undefined) {
      if (before.id === id) return;
      before.keys.delete(key);
      this.#leaseOfKey.delete(key);
    }
    if (id === 0) return;
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.keys.add(key);
    this.#leaseOfKey.set(key, lease);
  }

  /** Unknown leases are left out: they were revoked meanwhile. */
  checkpoint(id: LeaseId, remainingTtl: number): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.remainingTtl = remainingTtl;
  }
}
