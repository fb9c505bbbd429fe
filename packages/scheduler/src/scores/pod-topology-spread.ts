import { type ClusterView, type NodeScorer, SCORE_MAX, type ScorePlugin } from '../core/framework.ts';
import type { NodeInfo } from '../core/node-info.ts';
import type { AnyPod } from '../core/pod-info.ts';
import {
  countMatching,
  nodeCounter,
  type SpreadConstraint,
  spreadConstraints,
} from '../core/topology-spread.ts';

const HOSTNAME = 'kubernetes.io/hostname';
/** Upstream's default constraints, for pods that name none and belong to a service or a controller. */
const DEFAULTS = [
  { topologyKey: HOSTNAME, maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
] as const;

/** Soft constraints (ScheduleAnyway): the fewer of its kind in the domain, the better. */
export const podTopologySpreadScore: ScorePlugin = {
  name: 'PodTopologySpread',
  score({ pod }, cluster, nodes) {
    const isExplicit = (pod.spec.topologySpreadConstraints ?? []).length > 0;
    const constraints = isExplicit
      ? spreadConstraints(pod, 'ScheduleAnyway')
      : defaultConstraints(pod, cluster);
    if (constraints.length === 0) return undefined;
    return scorerOf(pod, constraints, { cluster, nodes, needsAllKeys: isExplicit });
  },
};

function defaultConstraints(pod: AnyPod, { objects }: ClusterView): SpreadConstraint[] {
  const selector = objects.ownerSelector(pod);
  if (selector === undefined) return [];
  return DEFAULTS.map((each) => ({
    ...each,
    minDomains: 1,
    selector,
    honorsAffinity: true,
    honorsTaints: false,
  }));
}

interface SpreadInput {
  readonly cluster: ClusterView;
  readonly nodes: readonly NodeInfo[];
  /**
   * Explicit constraints leave out nodes without their keys; the defaults must work on nodes without zones.
   */
  readonly needsAllKeys: boolean;
}

function scorerOf(pod: AnyPod, constraints: readonly SpreadConstraint[], input: SpreadInput): NodeScorer {
  const { cluster, nodes, needsAllKeys } = input;
  const hasKeys = (node: NodeInfo) =>
    constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
  const isLeftOut = (node: NodeInfo) => needsAllKeys && !hasKeys(node);
  const candidates = nodes.filter((node) => !isLeftOut(node));
  const { namespace } = pod.metadata;

  const rules = constraints.map((constraint) => {
    const { topologyKey, selector } = constraint;
    const isCounted = nodeCounter(pod, constraint);
    const domains = new Set(
      candidates.map((node) => node.labels[topologyKey]).filter((value) => value !== undefined),
    );
    const counts = new Map<string, number>();
    for (const node of cluster.nodes) {
      const domain = node.labels[topologyKey];
      if (domain === undefined || !domains.has(domain) || isLeftOut(node) || !isCounted(node)) continue;
      counts.set(domain, (counts.get(domain) ?? 0) + countMatching(node, namespace, selector));
    }
    // Many domains hold few pods each: the weight makes up for it.
    const domainCount = topologyKey === HOSTNAME ? candidates.length : domains.size;
    return { ...constraint, counts, weight: Math.log(domainCount + 2) };
  });

  return {
    score(node) {
      if (isLeftOut(node)) return Number.NaN;
      let score = 0;
      for (const { topologyKey, counts, weight, maxSkew } of rules) {
        const domain = node.labels[topologyKey];
        if (domain !== undefined) score += (counts.get(domain) ?? 0) * weight + (maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize(scores) {
      const counted = scores.filter((score) => !Number.isNaN(score));
      const max = Math.max(0, ...counted);
      const min = Math.min(...counted);
      return scores.map((score) => {
        if (Number.isNaN(score)) return 0;
        return max === 0 ? SCORE_MAX : Math.floor((SCORE_MAX * (max + min - score)) / max);
      });
    },
  };
}
