import {
  type Affinity,
  isPodActive,
  isPodReady,
  isTerminating,
  type Node,
  type NodeSelectorTerm,
  LabelMatcher,
  type DaemonSet,
  type DaemonSetStatus,
  type PodTemplateSpec,
  scaledValue,
  type Toleration,
} from '@kubelab/api';
import { byCreation, copyOf, type Seen, timeMs } from '../shared/objects.ts';
import { msUntilAvailable, type SeenPod } from '../shared/pods.ts';
import { tolerates } from '../taint-eviction/plan.ts';

export type SeenDaemonSet = Seen<DaemonSet>;
type SeenNode = Seen<Node>;

export const REVISION_HASH = 'controller-revision-hash';
/** DS-3: at most this many creates, and as many deletes, in one pass. */
export const BURST_PODS_MAX = 250;
/** A daemon that fails at once is made again no faster than this. */
const FAILED_AGE_MS = 10_000;
const NODE_NAME_FIELD = 'metadata.name';

/** Trouble of a node that does not keep a daemon away from it. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const HOST_NETWORK_TOLERATION: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

function tolerationsOf(template: Seen<PodTemplateSpec>): Toleration[] {
  const own = (template.spec.tolerations ?? []).map((toleration) => ({ ...toleration }));
  const added =
    template.spec.hostNetwork === true
      ? [...DAEMON_TOLERATIONS, HOST_NETWORK_TOLERATION]
      : DAEMON_TOLERATIONS;
  const isSaid = (wanted: Toleration) =>
    own.some(
      ({ key, effect, operator }) =>
        key === wanted.key && effect === wanted.effect && operator === wanted.operator,
    );
  return [...own, ...added.filter((toleration) => !isSaid(toleration))];
}

/** The template for one node: tied to it by affinity, so that the scheduler binds it there or nowhere. */
export function templateForNode(
  template: Seen<PodTemplateSpec>,
  node: string,
  hash: string,
): PodTemplateSpec {
  const copy = copyOf<PodTemplateSpec>(template);
  const terms =
    copy.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const matchFields = [{ key: NODE_NAME_FIELD, operator: 'In', values: [node] }];
  const nodeSelectorTerms = (terms ?? [{}]).map((term) => ({ ...term, matchFields }));
  const affinity: Affinity = {
    ...copy.spec.affinity,
    nodeAffinity: {
      ...copy.spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
  return {
    ...copy,
    metadata: { ...copy.metadata, labels: { ...copy.metadata?.labels, [REVISION_HASH]: hash } },
    spec: { ...copy.spec, affinity, tolerations: tolerationsOf(template) },
  };
}

/** The node a daemon pod is for, bound or not. */
export function targetNode({ spec }: SeenPod): string | undefined {
  if ((spec.nodeName ?? '') !== '') return spec.nodeName;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap((term) => term.matchFields ?? []).find(({ key }) => key === NODE_NAME_FIELD)
    ?.values?.[0];
}

/** `run`: make one here · `stay`: leave one that is here · `never`: none may be here. */
export type Fit = 'run' | 'stay' | 'never';

export function fitOf({ spec: { template } }: SeenDaemonSet, node: SeenNode): Fit {
  const { nodeName, nodeSelector, affinity } = template.spec;
  if ((nodeName ?? '') !== '' && nodeName !== node.metadata.name) return 'never';
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return 'never';
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms !== undefined && !terms.some((term) => matchesTerm(term, node))) return 'never';
  const tolerations = tolerationsOf(template);
  const untolerated = (node.spec.taints ?? []).filter(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  if (untolerated.some(({ effect }) => effect === 'NoExecute')) return 'never';
  return untolerated.length > 0 ? 'stay' : 'run';
}

const OPERATORS = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
} as const;

function matchesTerm(term: Seen<NodeSelectorTerm>, node: SeenNode): boolean {
  const requirements = (list: Seen<NodeSelectorTerm>['matchExpressions']) =>
    (list ?? []).map(({ key, operator, values }) => ({
      key,
      operator: OPERATORS[operator as keyof typeof OPERATORS] ?? 'in',
      values: values ?? [],
    }));
  const byLabel = requirements(term.matchExpressions);
  const byField = requirements(term.matchFields);
  if (byLabel.length + byField.length === 0) return false;
  return (
    new LabelMatcher(byLabel).matches(node.metadata.labels) &&
    new LabelMatcher(byField).matches({ [NODE_NAME_FIELD]: node.metadata.name })
  );
}

export interface DaemonPlan {
  readonly createOn: readonly string[];
  readonly remove: readonly SeenPod[];
  /** When a failed daemon may be made again; undefined when there is none. */
  readonly retryMs?: number;
}

/** One daemon a node that wants one (DS-1), none elsewhere; then the update within its limits (DS-2). */
export function planDaemons(
  set: SeenDaemonSet,
  nodes: readonly SeenNode[],
  pods: readonly SeenPod[],
  hash: string,
  nowMs: number,
): DaemonPlan {
  const byNode = podsByNode(pods);
  const createOn: string[] = [];
  const remove: SeenPod[] = [];
  let retryMs = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const here = byNode.get(node.metadata.name) ?? [];
    const fit = fitOf(set, node);
    const [, ...extra] = here.filter(isPodActive).toSorted(byCreation);
    const ended = here.filter((pod) => !isPodActive(pod) && !isTerminating(pod));
    if (fit === 'never') {
      remove.push(...here.filter((pod) => !isTerminating(pod)));
      continue;
    }
    remove.push(...extra);
    for (const pod of ended) {
      const waitMs =
        pod.status?.phase === 'Failed' ? timeMs(pod.metadata.creationTimestamp) + FAILED_AGE_MS - nowMs : 0;
      if (waitMs <= 0) remove.push(pod);
      else retryMs = Math.min(retryMs, waitMs);
    }
    // An ending one still holds the node's ports and names: the next waits until it is gone.
    if (fit === 'run' && here.length === 0) createOn.push(node.metadata.name);
  }
  remove.push(...outdated(set, nodes, byNode, hash, nowMs).filter((pod) => !remove.includes(pod)));
  const plan = { createOn: createOn.slice(0, BURST_PODS_MAX), remove: remove.slice(0, BURST_PODS_MAX) };
  return retryMs === Number.POSITIVE_INFINITY ? plan : { ...plan, retryMs };
}

function podsByNode(pods: readonly SeenPod[]): Map<string, SeenPod[]> {
  const byNode = new Map<string, SeenPod[]>();
  for (const pod of pods) {
    const node = targetNode(pod);
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return byNode;
}

/**
 * Pods of an old template that may go now: broken ones at once, working ones as far as maxUnavailable has
 * room.
 */
function outdated(
  set: SeenDaemonSet,
  nodes: readonly SeenNode[],
  byNode: ReadonlyMap<string, SeenPod[]>,
  hash: string,
  nowMs: number,
): SeenPod[] {
  if (set.spec.updateStrategy?.type === 'OnDelete') return [];
  const wanted = nodes.filter((node) => fitOf(set, node) === 'run');
  const limit =
    scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted.length, 'up') ?? 1;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let unavailable = 0;
  const broken: SeenPod[] = [];
  const working: SeenPod[] = [];
  for (const node of wanted) {
    const pod = (byNode.get(node.metadata.name) ?? []).filter(isPodActive).toSorted(byCreation)[0];
    const isAvailable = pod !== undefined && msUntilAvailable(pod, minReadySeconds, nowMs) === 0;
    if (!isAvailable) unavailable++;
    if (pod === undefined || pod.metadata.labels?.[REVISION_HASH] === hash) continue;
    (isAvailable ? working : broken).push(pod);
  }
  return [...broken, ...working.slice(0, Math.max(0, Math.max(1, limit) - unavailable))];
}

export function daemonStatus(
  set: SeenDaemonSet,
  nodes: readonly SeenNode[],
  pods: readonly SeenPod[],
  hash: string,
  nowMs: number,
): { readonly status: DaemonSetStatus; readonly nextCheckMs?: number } {
  const byNode = podsByNode(pods);
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  let nextCheckMs = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const daemons = (byNode.get(node.metadata.name) ?? []).filter(isPodActive).toSorted(byCreation);
    const [pod] = daemons;
    if (fitOf(set, node) !== 'run') {
      if (pod !== undefined) counts.misscheduled++;
      continue;
    }
    counts.desired++;
    if (pod === undefined) continue;
    counts.current++;
    if (pod.metadata.labels?.[REVISION_HASH] === hash) counts.updated++;
    if (!isPodReady(pod)) continue;
    counts.ready++;
    const waitMs = msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
    if (waitMs === 0) counts.available++;
    else if (waitMs !== undefined) nextCheckMs = Math.min(nextCheckMs, waitMs);
  }
  const unavailable = counts.desired - counts.available;
  const status: DaemonSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: counts.desired,
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    ...(counts.updated === 0 ? {} : { updatedNumberScheduled: counts.updated }),
    ...(counts.available === 0 ? {} : { numberAvailable: counts.available }),
    ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
    ...(set.status?.collisionCount === undefined ? {} : { collisionCount: set.status.collisionCount }),
  };
  return nextCheckMs === Number.POSITIVE_INFINITY ? { status } : { status, nextCheckMs };
}
