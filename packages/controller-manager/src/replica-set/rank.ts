import { isPodReady } from '@kubelab/api';
import { readySinceMs, restartCount, type SeenPod } from '../shared/pods.ts';
import { timeMs } from '../shared/objects.ts';

/** Lower goes first; `controller.kubernetes.io/pod-deletion-cost`. */
const POD_DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  readonly pod: SeenPod;
  /** Pods of the same owner (or of its sibling sets) that run on this node. */
  readonly neighbours: number;
}

/**
 * The pods to give up, least useful first (upstream's `ActivePodsWithRanks`): unassigned, pending, not ready,
 * cheap,
 * crowded, ready for the shortest time, most restarted, youngest. `related` are the active pods of all sets
 * of the same controller.
 */
export function podsToDelete(
  active: readonly SeenPod[],
  related: readonly SeenPod[],
  count: number,
  nowMs: number,
): SeenPod[] {
  if (count >= active.length) return [...active];
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    if (spec.nodeName !== undefined) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  return active
    .map((pod) => ({ pod, neighbours: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .toSorted((a, b) => compareForDeletion(a, b, nowMs))
    .slice(0, count)
    .map(({ pod }) => pod);
}

function compareForDeletion(a: Ranked, b: Ranked, nowMs: number): number {
  const readyA = isPodReady(a.pod);
  const readyB = isPodReady(b.pod);
  return (
    Number(isAssigned(a.pod)) - Number(isAssigned(b.pod)) ||
    phaseOrder(a.pod) - phaseOrder(b.pod) ||
    Number(readyA) - Number(readyB) ||
    deletionCost(a.pod) - deletionCost(b.pod) ||
    b.neighbours - a.neighbours ||
    (readyA && readyB ? compareAges(readySinceMs(a.pod), readySinceMs(b.pod), nowMs) : 0) ||
    restartCount(b.pod) - restartCount(a.pod) ||
    compareAges(timeMs(a.pod.metadata.creationTimestamp), timeMs(b.pod.metadata.creationTimestamp), nowMs) ||
    (a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1)
  );
}

/**
 * The younger first, but only when they differ by an order of magnitude (`LogarithmicScaleDown`): spreads the
 * choice.
 */
function compareAges(sinceA: number, sinceB: number, nowMs: number): number {
  if (sinceA === sinceB) return 0;
  if (sinceA === 0) return -1;
  if (sinceB === 0) return 1;
  return ageBucket(nowMs - sinceA) - ageBucket(nowMs - sinceB);
}

function ageBucket(ageMs: number): number {
  return ageMs <= 0 ? 0 : Math.floor(Math.log10(ageMs * 1e6));
}

function isAssigned(pod: SeenPod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

function phaseOrder(pod: SeenPod): number {
  return PHASE_ORDER[pod.status?.phase ?? 'Unknown'] ?? 1;
}

function deletionCost(pod: SeenPod): number {
  const cost = Number(pod.metadata.annotations?.[POD_DELETION_COST] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}
