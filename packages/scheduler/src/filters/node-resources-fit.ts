import type { FilterPlugin } from '../core/framework.ts';
import type { NodeInfo } from '../core/node-info.ts';
import type { PodInfo } from '../core/pod-info.ts';

/**
 * cpu, memory, ephemeral storage, extended resources and the number of pods: what is asked must still be
 * free.
 */
export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  wakesOn: ['NodeAdd', 'NodeAllocatable', 'AssignedPodDelete', 'AssignedPodUpdate'],
  filter: (pod) => (node) => {
    const reasons = insufficient(pod, node);
    if (reasons.length === 0) return undefined;
    // More than the empty node has: no victim would make room.
    const isUnresolvable = Object.entries(pod.requests).some(
      ([name, amount]) => amount > (node.allocatable[name] ?? 0),
    );
    return { reasons, isUnresolvable };
  },
};

export function insufficient(pod: PodInfo, node: NodeInfo): string[] {
  const reasons: string[] = [];
  if (node.podCount + 1 > (node.allocatable['pods'] ?? 0)) reasons.push('Too many pods');
  for (const [name, amount] of Object.entries(pod.requests)) {
    if (amount > 0 && amount > (node.allocatable[name] ?? 0) - (node.requested[name] ?? 0)) {
      reasons.push(`Insufficient ${name}`);
    }
  }
  return reasons;
}
