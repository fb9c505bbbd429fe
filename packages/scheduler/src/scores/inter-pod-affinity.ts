import type { ClusterView, ScorePlugin } from '../core/framework.ts';
import type { NodeInfo } from '../core/node-info.ts';
import { scaleMinToMax } from '../core/normalize.ts';
import { termMatches, TopologyCounts } from '../core/pod-affinity.ts';
import type { PodInfo, WeightedTerm } from '../core/pod-info.ts';

/** What a required affinity of a pod already there is worth to the other side. */
const HARD_AFFINITY_WEIGHT = 1;

/** Preferred pod affinity and anti-affinity, the pod's own and that of the pods already there towards it. */
export const interPodAffinityScore: ScorePlugin = {
  name: 'InterPodAffinity',
  score(pod, cluster) {
    const weights = new TopologyCounts();
    for (const node of cluster.nodes)
      for (const other of node.pods()) weigh(pod, other, node, cluster, weights);
    if (weights.isEmpty) return undefined;
    return {
      score(node) {
        let sum = 0;
        for (const weight of weights.pairsOn(node)) sum += weight;
        return sum;
      },
      normalize: scaleMinToMax,
    };
  },
};

function weigh(
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  { objects }: ClusterView,
  weights: TopologyCounts,
): void {
  const addAll = (terms: readonly WeightedTerm[], about: PodInfo, sign: 1 | -1) => {
    for (const { weight, term } of terms) {
      if (termMatches(term, about.pod, objects)) weights.add(node, term.topologyKey, sign * weight);
    }
  };
  addAll(pod.preferredAffinity, other, 1);
  addAll(pod.preferredAntiAffinity, other, -1);
  addAll(other.preferredAffinity, pod, 1);
  addAll(other.preferredAntiAffinity, pod, -1);
  addAll(
    other.affinity.map((term) => ({ weight: HARD_AFFINITY_WEIGHT, term })),
    pod,
    1,
  );
}
