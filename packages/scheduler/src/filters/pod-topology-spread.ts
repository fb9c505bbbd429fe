import type { ClusterView, FilterPlugin, NodeFilter } from '../core/framework.ts';
import type { PodInfo } from '../core/pod-info.ts';
import {
  countMatching,
  nodeCounter,
  type SpreadConstraint,
  spreadConstraints,
} from '../core/topology-spread.ts';

const REASON = "node(s) didn't match pod topology spread constraints";

/** Hard constraints (DoNotSchedule): no domain may get more than maxSkew ahead of the emptiest. */
export const podTopologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  wakesOn: ['NodeAdd', 'NodeLabel', 'NodeTaint', 'AssignedPodAdd', 'AssignedPodUpdate', 'AssignedPodDelete'],
  filter(pod, cluster) {
    const constraints = spreadConstraints(pod.pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const keys = constraints.map(({ topologyKey }) => topologyKey);
    const judges = constraints.map((constraint) => judgeOf(pod, constraint, keys, cluster));
    return (node) => {
      for (const judge of judges) {
        const rejection = judge(node);
        if (rejection !== undefined) return rejection;
      }
      return undefined;
    };
  },
};

function judgeOf(
  { pod }: PodInfo,
  constraint: SpreadConstraint,
  allKeys: readonly string[],
  cluster: ClusterView,
): NodeFilter {
  const { topologyKey, maxSkew, minDomains, selector } = constraint;
  const { namespace, labels } = pod.metadata;
  const counts = new Map<string, number>();
  const isCounted = nodeCounter(pod, constraint);
  for (const node of cluster.nodes) {
    const domain = node.labels[topologyKey];
    // A node that lacks any of the keys is outside of the whole arrangement.
    if (domain === undefined || !isCounted(node) || allKeys.some((key) => node.labels[key] === undefined))
      continue;
    counts.set(domain, (counts.get(domain) ?? 0) + countMatching(node, namespace, selector));
  }
  const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
  const self = selector.matches(labels) ? 1 : 0;

  return (node) => {
    const domain = node.labels[topologyKey];
    if (domain === undefined) {
      return { reasons: [`${REASON} (missing required label)`], isUnresolvable: true };
    }
    const skew = (counts.get(domain) ?? 0) + self - least;
    return skew > maxSkew ? { reasons: [REASON] } : undefined;
  };
}
