/** The node's last word on a pod the scheduler sent: upstream's kubelet admission. Pure. */
import { podRequests } from '@kubelab/api';
import { nodeAffinityMatches } from './node-affinity.ts';
import type { NodeObject, PodObject } from './types.ts';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** `others` are the pods already admitted here that have not ended. */
export function admit(
  pod: PodObject,
  node: NodeObject,
  others: readonly PodObject[],
  allocatable: Readonly<Record<string, number>>,
): Refusal | undefined {
  if (!nodeAffinityMatches(pod, node)) {
    return { reason: 'NodeAffinity', message: 'Pod was rejected: Predicate NodeAffinity failed' };
  }
  const used: Record<string, number> = { pods: others.length };
  for (const other of others) add(used, podRequests(other));
  const asked: Record<string, number> = { ...podRequests(pod), pods: 1 };
  for (const [name, amount] of Object.entries(asked)) {
    const capacity = allocatable[name] ?? (name === 'pods' ? Number.POSITIVE_INFINITY : 0);
    const before = used[name] ?? 0;
    if (amount > 0 && before + amount > capacity) {
      return {
        reason: `OutOf${name}`,
        message:
          `Pod was rejected: Node didn't have enough resource: ${name}, ` +
          `requested: ${amount}, used: ${before}, capacity: ${capacity}`,
      };
    }
  }
  return undefined;
}

function add(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, amount] of Object.entries(more)) into[name] = (into[name] ?? 0) + amount;
}
