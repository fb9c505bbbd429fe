/**
 * Preemption (upstream's DefaultPreemption, the PostFilter step): which less important pods would have to go, and from which node.
 * Pure; the deleting is done in `shell/preempt.ts`. Disruption budgets are not looked at.
 */
import { isTerminating } from '@kubelab/api';
import { countReasons } from './fit-message.ts';
import type { ClusterView, Profile } from './framework.ts';
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

  // All of them gone it fits. Spare the most important ones as far as it still does.
  const victims: PodInfo[] = [];
  for (const spared of lesser) {
    trial.addPod(spared);
    if (judge(trial, pod, input) === undefined) continue;
    trial.removePod(spared.key);
    victims.push(spared);
  }
  return { nodeName: node.name, victims };
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

/** The least harm: the lowest highest priority, then the lowest sum, then the fewest, then those that started last. */
function compareCandidates(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY;
  // Upstream's offset: negative priorities would otherwise make more victims look cheaper.
  const sum = ({ victims }: Candidate) =>
    victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  const latest = ({ victims }: Candidate) => (victims[0] === undefined ? 0 : startOf(victims[0]));
  return (
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
