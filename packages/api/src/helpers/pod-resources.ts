/**
 * What a pod asks for, as the scheduler and the node count it, and the QoS class that follows from it.
 * Invariants
 *   RES-1  a pod's request covers its peak: all containers with all sidecars, or one init container with the
 *          sidecars before it
 */
import type { PodSpec, ResourceRequirements } from '../generated/types.ts';
import { bytesOf, compareQuantities, cpuMillis } from '../quantity.ts';
import type { DeepReadonly } from './deep-readonly.ts';
import { isSidecar } from './pods.ts';

/** Resource name → amount: `cpu` in thousandths, everything else in whole units (bytes, counts). */
export type ResourceAmounts = Record<string, number>;

type Quantities = Readonly<Record<string, string | number>> | undefined;
type Side = 'requests' | 'limits';
interface PodLike {
  readonly spec: DeepReadonly<PodSpec>;
}

export function resourceAmounts(quantities: Quantities): ResourceAmounts {
  const amounts: ResourceAmounts = {};
  for (const [name, quantity] of Object.entries(quantities ?? {})) amounts[name] = amountOf(name, quantity);
  return amounts;
}

export function amountOf(resource: string, quantity: string | number): number {
  return resource === 'cpu' ? cpuMillis(quantity) : bytesOf(quantity);
}

/** RES-1, with the runtime's overhead; pod-level resources replace the sum where they name a resource. */
export function podRequests(pod: PodLike): ResourceAmounts {
  return podTotals(pod, 'requests');
}

export function podLimits(pod: PodLike): ResourceAmounts {
  return podTotals(pod, 'limits');
}

function podTotals({ spec }: PodLike, side: Side): ResourceAmounts {
  const running: ResourceAmounts = {};
  for (const container of spec.containers) add(running, resourceAmounts(container.resources?.[side]));

  const sidecars: ResourceAmounts = {};
  const starting: ResourceAmounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = resourceAmounts(container.resources?.[side]);
    if (isSidecar(container)) add(sidecars, own);
    else add(own, sidecars);
    raiseTo(starting, isSidecar(container) ? sidecars : own);
  }
  add(running, sidecars);
  raiseTo(running, starting);

  Object.assign(running, resourceAmounts(spec.resources?.[side]));
  // A limit is only a limit with overhead when the pod has one at all.
  for (const [name, amount] of Object.entries(resourceAmounts(spec.overhead))) {
    if (side === 'requests' || running[name] !== undefined) running[name] = (running[name] ?? 0) + amount;
  }
  return running;
}

function add(into: ResourceAmounts, more: ResourceAmounts): void {
  for (const [name, amount] of Object.entries(more)) into[name] = (into[name] ?? 0) + amount;
}

function raiseTo(into: ResourceAmounts, floor: ResourceAmounts): void {
  for (const [name, amount] of Object.entries(floor)) into[name] = Math.max(into[name] ?? 0, amount);
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const QOS_RESOURCES = ['cpu', 'memory'] as const;

/**
 * Guaranteed: every container limits cpu and memory and requests just that. BestEffort: nothing asked at all.
 */
export function podQosClass({ spec }: PodLike): QosClass {
  const all: (DeepReadonly<ResourceRequirements> | undefined)[] =
    spec.resources === undefined
      ? [...spec.containers, ...(spec.initContainers ?? [])].map((container) => container.resources)
      : [spec.resources];
  let asksNothing = true;
  let isGuaranteed = all.length > 0;
  for (const resources of all) {
    for (const name of QOS_RESOURCES) {
      const request = positive(resources?.requests?.[name]);
      const limit = positive(resources?.limits?.[name]);
      if (request !== undefined || limit !== undefined) asksNothing = false;
      if (limit === undefined || (request !== undefined && compareQuantities(request, limit) !== 0))
        isGuaranteed = false;
    }
  }
  if (asksNothing) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function positive(quantity: string | number | undefined): string | number | undefined {
  return quantity !== undefined && compareQuantities(quantity, '0') > 0 ? quantity : undefined;
}
