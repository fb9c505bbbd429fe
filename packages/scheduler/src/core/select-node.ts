/**
 * The choice of a node for one pod: filter, score, pick. Pure: everything comes in, nothing goes out but the
 * answer.
 */
import type { Random } from '@kubelab/component-base';
import type { ClusterView, NodeFilter, NodeScorer, Profile, Rejection } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export interface Verdict extends Rejection {
  readonly plugin: string;
}

export type Selection =
  | { readonly node: NodeInfo }
  | { readonly node?: undefined; readonly diagnosis: Diagnosis };

/** Why no node fits. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** Node name → why not. Empty when a rule turned the pod away before any node was looked at. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly preFilter?: Verdict | undefined;
}

/** Pods that preempted others and wait for their place: node name → pods. */
export type Nominations = ReadonlyMap<string, readonly PodInfo[]>;

export function selectNode(
  pod: PodInfo,
  profile: Profile,
  input: { readonly cluster: ClusterView; readonly nominations: Nominations; readonly random: Random },
): Selection {
  const { cluster, nominations, random } = input;
  const nodeCount = cluster.nodes.length;
  const filters = prepareFilters(pod, profile, cluster);
  if (!Array.isArray(filters)) return { diagnosis: { nodeCount, verdicts: new Map(), preFilter: filters } };

  const verdicts = new Map<string, Verdict>();
  const feasible: NodeInfo[] = [];
  for (const node of cluster.nodes) {
    const verdict = judgeWithNominated(pod, node, filters, nominations);
    if (verdict === undefined) feasible.push(node);
    else verdicts.set(node.name, verdict);
  }
  if (feasible.length === 0) return { diagnosis: { nodeCount, verdicts } };
  return { node: pickBest(feasible, scoreNodes(pod, profile, cluster, feasible), random) };
}

export interface PreparedFilter {
  readonly plugin: string;
  readonly judge: NodeFilter;
}

/** The rules that have something to say about this pod; a verdict when one turns it away altogether. */
export function prepareFilters(
  pod: PodInfo,
  profile: Profile,
  cluster: ClusterView,
): PreparedFilter[] | Verdict {
  const prepared: PreparedFilter[] = [];
  for (const plugin of profile.filters) {
    const judge = plugin.filter(pod, cluster);
    if (typeof judge === 'function') prepared.push({ plugin: plugin.name, judge });
    else if (judge !== undefined) return { plugin: plugin.name, ...judge };
  }
  return prepared;
}

/** The first rejection counts, as upstream. */
export function judgeNode(node: NodeInfo, filters: readonly PreparedFilter[]): Verdict | undefined {
  for (const { plugin, judge } of filters) {
    const rejection = judge(node);
    if (rejection !== undefined) return { plugin, ...rejection };
  }
  return undefined;
}

/** A node must also do with the equally or more important pods that were promised a place on it. */
export function judgeWithNominated(
  pod: PodInfo,
  node: NodeInfo,
  filters: readonly PreparedFilter[],
  nominations: Nominations,
): Verdict | undefined {
  const rivals = (nominations.get(node.name) ?? []).filter(
    ({ key, priority }) => key !== pod.key && priority >= pod.priority,
  );
  if (rivals.length > 0) {
    const crowded = node.clone();
    for (const rival of rivals) crowded.addPod(rival);
    const verdict = judgeNode(crowded, filters);
    if (verdict !== undefined) return verdict;
  }
  return judgeNode(node, filters);
}

/** Weighted sums, in the order of `nodes`. */
export function scoreNodes(
  pod: PodInfo,
  profile: Profile,
  cluster: ClusterView,
  nodes: readonly NodeInfo[],
): number[] {
  const totals = nodes.map(() => 0);
  if (nodes.length === 1) return totals;
  for (const { plugin, weight } of profile.scores) {
    const scorer = plugin.score(pod, cluster, nodes);
    if (scorer === undefined) continue;
    for (const [index, score] of scoresOf(scorer, nodes).entries())
      totals[index] = (totals[index] ?? 0) + score * weight;
  }
  return totals;
}

function scoresOf(scorer: NodeScorer, nodes: readonly NodeInfo[]): number[] {
  const raw = nodes.map((node) => scorer.score(node));
  return scorer.normalize?.(raw) ?? raw;
}

/** Among equals by chance, so that they fill evenly. */
function pickBest(nodes: readonly NodeInfo[], totals: readonly number[], random: Random): NodeInfo {
  const max = Math.max(...totals);
  const best = nodes.filter((_, index) => totals[index] === max);
  return best[random.int(best.length)] as NodeInfo;
}
