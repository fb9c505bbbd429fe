import type { ClusterView, FilterPlugin } from '../core/framework.ts';
import { termMatches, TopologyCounts } from '../core/pod-affinity.ts';
import type { PodInfo } from '../core/pod-info.ts';

/** Required pod affinity and anti-affinity, the pod's own and that of the pods already there against it. */
export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  wakesOn: ['NodeAdd', 'NodeLabel', 'AssignedPodAdd', 'AssignedPodUpdate', 'AssignedPodDelete', 'Namespace'],
  filter(pod, cluster) {
    const repelled = repelledBy(pod, cluster);
    const { affinity, antiAffinity } = pod;
    if (repelled.isEmpty && affinity.length === 0 && antiAffinity.length === 0) return undefined;
    const near = new TopologyCounts();
    const far = new TopologyCounts();
    countMatches(pod, cluster, near, far);
    // The first of a group that wants to be together: nobody is there yet, and it would satisfy itself.
    const isFirst = near.isEmpty && affinity.every((term) => termMatches(term, pod.pod, cluster.objects));

    return (node) => {
      const lacksKey = affinity.some(({ topologyKey }) => node.labels[topologyKey] === undefined);
      const isAlone = affinity.some(({ topologyKey }) => near.at(node, topologyKey) === 0);
      if (lacksKey || (isAlone && !isFirst)) {
        return { reasons: ["node(s) didn't match pod affinity rules"], isUnresolvable: true };
      }
      if (antiAffinity.some(({ topologyKey }) => far.at(node, topologyKey) > 0)) {
        return { reasons: ["node(s) didn't match pod anti-affinity rules"] };
      }
      for (const count of repelled.pairsOn(node)) {
        if (count > 0) return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] };
      }
      return undefined;
    };
  },
};

/** Where pods are that want this one nowhere near. */
function repelledBy({ pod }: PodInfo, { nodes, objects }: ClusterView): TopologyCounts {
  const counts = new TopologyCounts();
  for (const node of nodes) {
    for (const other of node.pods()) {
      for (const term of other.antiAffinity) {
        if (termMatches(term, pod, objects)) counts.add(node, term.topologyKey, 1);
      }
    }
  }
  return counts;
}

function countMatches(
  pod: PodInfo,
  { nodes, objects }: ClusterView,
  near: TopologyCounts,
  far: TopologyCounts,
): void {
  const { affinity, antiAffinity } = pod;
  if (affinity.length === 0 && antiAffinity.length === 0) return;
  for (const node of nodes) {
    for (const { pod: other } of node.pods()) {
      // A pod satisfies affinity only when it matches every term.
      if (affinity.length > 0 && affinity.every((term) => termMatches(term, other, objects))) {
        for (const { topologyKey } of affinity) near.add(node, topologyKey, 1);
      }
      for (const term of antiAffinity)
        if (termMatches(term, other, objects)) far.add(node, term.topologyKey, 1);
    }
  }
}
