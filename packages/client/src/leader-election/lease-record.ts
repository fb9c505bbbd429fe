import type { DeepReadonly, Lease, LeaseSpec } from '@kubelab/api';
import { rfc3339Micro } from '@kubelab/component-base';

/** The lease as last seen and when, on our own monotonic clock: the clocks of others do not matter (LE-1). */
export interface Observation {
  readonly lease: DeepReadonly<Lease>;
  readonly atMs: number;
}

/**
 * A new observation only when the holder's record changed: being read again does not make a lease younger.
 */
export function observe(
  last: Observation | undefined,
  lease: DeepReadonly<Lease>,
  nowMs: number,
): Observation {
  const isSame = last !== undefined && recordOf(last.lease) === recordOf(lease);
  return { lease, atMs: isSame ? last.atMs : nowMs };
}

function recordOf({ spec }: DeepReadonly<Lease>): string {
  return [spec.holderIdentity, spec.renewTime, spec.acquireTime, spec.leaseTransitions].join('|');
}

export function holderOf(seen: Observation): string {
  return seen.lease.spec.holderIdentity ?? '';
}

/** Held by anybody, and its time since we last saw it change is not over. */
export function isHeld(seen: Observation, nowMs: number): boolean {
  const durationMs = (seen.lease.spec.leaseDurationSeconds ?? 0) * 1000;
  return holderOf(seen) !== '' && nowMs < seen.atMs + durationMs;
}

/** The record we write to take or keep the lease. */
export function claim(
  old: DeepReadonly<LeaseSpec> | undefined,
  identity: string,
  leaseDurationMs: number,
  wallMs: number,
): LeaseSpec {
  const now = rfc3339Micro(wallMs);
  const isOurs = old?.holderIdentity === identity;
  const transitions = old?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(leaseDurationMs / 1000)),
    acquireTime: isOurs ? (old.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: isOurs || old === undefined ? transitions : transitions + 1,
  };
}
