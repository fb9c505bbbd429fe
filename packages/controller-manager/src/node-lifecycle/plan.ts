import { getCondition, type Node, type NodeCondition, type Taint } from '@kubelab/api';
import type { Seen } from '../shared/objects.ts';

export type SeenNode = Seen<Node>;
type SeenTaint = Seen<Taint>;

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Conditions a kubelet owns: with the kubelet silent nobody knows them. */
const KUBELET_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Condition, its status, and the taint that keeps new pods away meanwhile. */
const NO_SCHEDULE_RULES: readonly (readonly [type: string, status: string, taint: string])[] = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
];
const NO_SCHEDULE_KEYS = new Set([UNSCHEDULABLE, ...NO_SCHEDULE_RULES.map(([, , taint]) => taint)]);

export function readiness(node: SeenNode): 'True' | 'False' | 'Unknown' {
  const status = getCondition(node.status?.conditions, 'Ready')?.status;
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

/**
 * The conditions of a node whose kubelet is silent: all Unknown; the heartbeat times stay as proof of the
 * last word.
 */
export function silentConditions(node: SeenNode, nowText: string): NodeCondition[] {
  const conditions: NodeCondition[] = (node.status?.conditions ?? []).map((condition) => ({ ...condition }));
  for (const type of KUBELET_CONDITIONS) {
    const index = conditions.findIndex((condition) => condition.type === type);
    const old = conditions[index];
    if (old === undefined) {
      conditions.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: nowText,
      });
    } else if (old.status !== 'Unknown') {
      conditions[index] = {
        ...old,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: nowText,
      };
    }
  }
  return conditions;
}

/**
 * `evict`: taint for eviction now · `hold`: leave eviction taints as they are · `spare`: take them off
 * (nobody is to be evicted).
 */
export type EvictionStance = 'evict' | 'hold' | 'spare';

/** All taints of a node as they should be: others' taints untouched, ours following its conditions. */
export function wantedTaints(node: SeenNode, stance: EvictionStance, nowText: string): Taint[] {
  const present = node.spec.taints ?? [];
  const others = present.filter((taint) => !isOurs(taint));
  const noSchedule = NO_SCHEDULE_RULES.filter(
    ([type, status]) => getCondition(node.status?.conditions, type)?.status === status,
  ).map(([, , key]) => key);
  if (node.spec.unschedulable === true) noSchedule.push(UNSCHEDULABLE);
  return [
    ...others.map((taint) => ({ ...taint })),
    ...noSchedule.map((key) => keep(present, key, 'NoSchedule', nowText)),
    ...evictionTaints(node, stance).map((key) => keep(present, key, 'NoExecute', nowText)),
  ];
}

/** The eviction taint this node's health asks for, whatever the limits say. */
export function evictionTaintOf(node: SeenNode): string | undefined {
  const ready = getCondition(node.status?.conditions, 'Ready')?.status;
  if (ready === 'False') return NOT_READY;
  return ready === 'Unknown' ? UNREACHABLE : undefined;
}

export function hasEvictionTaint(node: SeenNode): boolean {
  return (node.spec.taints ?? []).some((taint) => taint.effect === 'NoExecute' && isOurs(taint));
}

function evictionTaints(node: SeenNode, stance: EvictionStance): string[] {
  const key = evictionTaintOf(node);
  if (key === undefined || stance === 'spare') return [];
  // One taint may take the other's place while held; a node without any gets none.
  return stance === 'evict' || hasEvictionTaint(node) ? [key] : [];
}

function isOurs(taint: SeenTaint): boolean {
  if (taint.effect === 'NoSchedule') return NO_SCHEDULE_KEYS.has(taint.key);
  return taint.effect === 'NoExecute' && (taint.key === NOT_READY || taint.key === UNREACHABLE);
}

function keep(present: readonly SeenTaint[], key: string, effect: string, nowText: string): Taint {
  const old = present.find((taint) => taint.key === key && taint.effect === effect);
  if (old !== undefined) return { ...old };
  return { key, effect, timeAdded: nowText };
}
