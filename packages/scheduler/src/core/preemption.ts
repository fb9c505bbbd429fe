/**
 * Preemption (upstream's DefaultPreemption, the PostFilter step): which less important pods would have to go,
 * and from which node. Pure; the deleting is done in `shell/preempt.ts`. Disruption budgets are kept where
 * that is possible, not where it is not.
 */
import {
  type DeepReadonly,
  isTerminating,
  labelSelectorMatcher,
  type PodDisruptionBudget,
} from '@kubelab/api';
import { countReasons } from './fit-message.ts';
import type { ClusterObjects, ClusterView, Profile } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { type Diagnosis, judgeWithNominated, type Nominations, prepareFilters } from './select-node.ts';

export interface PreemptionInput {
  readonly profile: Profile;
  readonly cluster: ClusterView;
  readonly nominations: Nominations;
  readonly diagnosis: Diagnosis;
}

export interface Candidate {
  readonly nodeName: string;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  /** Victims whose disruption budget allows no more. */
  readonly violationCount: number;
}

export type PreemptionPlan = Candidate | { readonly nodeName?: undefined; readonly message: string };

/** Nodes tried in detail: each costs a filter run for every pod that may go. */
const CANDIDATES_MAX = 100;

const NOT_HELPFUL = { reasons: ['Preemption is not helpful for scheduling'] };
const NO_VICTIMS = { reasons: ['No preemption victims found for incoming pod'] };

export function planPreemption(pod: PodInfo, input: PreemptionInput): PreemptionPlan {
  const { cluster, diagnosis } = input;
  if (pod.pod.spec.preemptionPolicy === 'Never')
    return { message: 'not eligible due to preemptionPolicy=Never.' };
  if (waitsForVictims(pod, cluster)) {
    return { message: 'not eligible due to a terminating pod on the nominated node.' };
  }
  const candidates: Candidate[] = [];
  const verdicts: { readonly reasons: readonly string[] }[] = [];
  for (const node of cluster.nodes) {
    const verdict = diagnosis.verdicts.get(node.name) ?? diagnosis.preFilter;
    if (verdict?.isUnresolvable === true) verdicts.push(NOT_HELPFUL);
    else if (candidates.length < CANDIDATES_MAX) {
      const found = victimsOn(node, pod, input);
      if ('nodeName' in found) candidates.push(found);
      else verdicts.push(found);
    }
  }
  const best = candidates.sort(compareCandidates)[0];
  return best ?? { message: `0/${cluster.nodes.length} nodes are available: ${countReasons(verdicts)}.` };
}

/** It preempted before, and what it preempted is still going. */
function waitsForVictims({ pod, priority }: PodInfo, { nodes }: ClusterView): boolean {
  const nominated = pod.status?.nominatedNodeName ?? '';
  const node = nominated === '' ? undefined : nodes.find(({ name }) => name === nominated);
  return node?.pods().some((other) => other.priority < priority && isTerminating(other.pod)) === true;
}

/** The fewest and least important pods of the node whose end makes room; or why there are none. */
function victimsOn(
  node: NodeInfo,
  pod: PodInfo,
  input: PreemptionInput,
): Candidate | { reasons: readonly string[] } {
  const trial = node.clone();
  const lesser = [...node.pods()].filter(({ priority }) => priority < pod.priority).sort(byImportance);
  if (lesser.length === 0) return NO_VICTIMS;
  for (const { key } of lesser) trial.removePod(key);
  const verdict = judge(trial, pod, input);
  if (verdict !== undefined) return verdict;

  // All of them gone it fits. Spare those with a used-up budget first, then the most important, as far as it
  // still does.
  const { violating, others } = splitByBudgets(lesser, input.cluster.objects);
  const victims: PodInfo[] = [];
  let violationCount = 0;
  for (const spared of [...violating, ...others]) {
    trial.addPod(spared);
    if (judge(trial, pod, input) === undefined) continue;
    trial.removePod(spared.key);
    victims.push(spared);
    if (violating.includes(spared)) violationCount++;
  }
  return { nodeName: node.name, victims: victims.sort(byImportance), violationCount };
}

/** Every victim uses up one of what its budgets allow; those for whom nothing is left would violate them. */
function splitByBudgets(pods: readonly PodInfo[], objects: ClusterObjects) {
  const left = new Map<DeepReadonly<PodDisruptionBudget>, number>();
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    const { namespace = '', name, labels } = info.pod.metadata;
    let isViolating = false;
    for (const budget of objects.disruptionBudgets(namespace)) {
      // A pod whose disruption was granted before is counted already.
      const isCounted = budget.status?.disruptedPods?.[name] !== undefined;
      if (isCounted || !labelSelectorMatcher(budget.spec?.selector).matches(labels)) continue;
      const allowed = (left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) isViolating = true;
    }
    (isViolating ? violating : others).push(info);
  }
  return { violating, others };
}

/** The rules that look at the whole cluster must see the node as it would be. */
function judge(trial: NodeInfo, pod: PodInfo, { profile, cluster, nominations }: PreemptionInput) {
  const nodes = cluster.nodes.map((node) => (node.name === trial.name ? trial : node));
  const filters = prepareFilters(pod, profile, { ...cluster, nodes });
  return Array.isArray(filters) ? judgeWithNominated(pod, trial, filters, nominations) : filters;
}

/** Higher priority first, then the longer running. */
function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b);
}

function startOf({ pod }: PodInfo): number {
  const start = Date.parse(pod.status?.startTime ?? '');
  return Number.isNaN(start) ? Number.POSITIVE_INFINITY : start;
}

/**
 * The least harm: the fewest violated budgets, then the lowest highest priority, then the lowest sum, then
 * the fewest, then those that started last.
 */
function compareCandidates(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY;
  // Upstream's offset: negative priorities would otherwise make more victims look cheaper.
  const sum = ({ victims }: Candidate) =>
    victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  const latest = ({ victims }: Candidate) => (victims[0] === undefined ? 0 : startOf(victims[0]));
  return (
    a.violationCount - b.violationCount ||
    difference(highest(a), highest(b)) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    difference(latest(b), latest(a))
  );
}

/** Infinities do not subtract. */
function difference(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
