import { isPodReady, isPodTerminal, isTerminating, type StatefulSetStatus } from '@kubelab/api';
import { assert } from '@kubelab/component-base';
import { msUntilAvailable, type SeenPod } from '../shared/pods.ts';
import { ordinalOf, revisionOfPod, type SeenStatefulSet } from './pod.ts';

export interface Revisions {
  /** Name of the revision that pods below the partition keep, and that a finished rollout leaves. */
  readonly current: string;
  /** Name of the revision of today's template. */
  readonly update: string;
}

export interface StatefulPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly remove: readonly SeenPod[];
}

interface Member {
  readonly ordinal: number;
  readonly pod: SeenPod | undefined;
}

/**
 * One pass (upstream's `updateStatefulSet`): members in order up, surplus in order down, then the update from
 * the top down.
 * SS-2: in order means one at a time, each only after all before it are available. `Parallel` waits for
 * nobody but in updates.
 */
export function planStatefulSet(
  set: SeenStatefulSet,
  pods: readonly SeenPod[],
  revisions: Revisions,
  nowMs: number,
): StatefulPlan {
  const none: StatefulPlan = { create: [], remove: [] };
  if (set.metadata.deletionTimestamp !== undefined) return none;
  const inOrder = set.spec.podManagementPolicy !== 'Parallel';
  const { members, surplus } = split(set, pods);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const isHealthy = (pod: SeenPod) =>
    !isTerminating(pod) && msUntilAvailable(pod, minReadySeconds, nowMs) === 0;

  const plan = { create: [] as StatefulPlan['create'][number][], remove: [] as SeenPod[] };
  for (const { ordinal, pod } of members) {
    if (pod === undefined) plan.create.push({ ordinal, revision: revisionFor(set, ordinal, revisions) });
    else if (isPodTerminal(pod) && !isTerminating(pod)) plan.remove.push(pod);
    else if (isHealthy(pod)) continue;
    if (inOrder) return assertOneAtATime(plan);
  }
  for (const pod of surplus) {
    if (isTerminating(pod)) {
      if (inOrder) return assertOneAtATime(plan);
      continue;
    }
    plan.remove.push(pod);
    if (inOrder) return assertOneAtATime(plan);
  }
  const updated = nextToUpdate(set, members, revisions, isHealthy);
  if (updated !== undefined && plan.create.length === 0) plan.remove.push(updated);
  return plan;
}

function assertOneAtATime(plan: StatefulPlan): StatefulPlan {
  assert(plan.create.length + plan.remove.length <= 1, 'SS-2');
  return plan;
}

/** Members by ordinal (with holes), and what is beyond, highest first. */
function split(set: SeenStatefulSet, pods: readonly SeenPod[]): { members: Member[]; surplus: SeenPod[] } {
  const { start, end } = ordinals(set);
  const byOrdinal = new Map<number, SeenPod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const members: Member[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) members.push({ ordinal, pod: byOrdinal.get(ordinal) });
  const surplus = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= end)
    .toSorted(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { members, surplus };
}

function ordinals(set: SeenStatefulSet): { start: number; end: number } {
  const start = set.spec.ordinals?.start ?? 0;
  return { start, end: start + (set.spec.replicas ?? 1) };
}

function partition(set: SeenStatefulSet): number {
  return (set.spec.ordinals?.start ?? 0) + (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0);
}

function revisionFor(set: SeenStatefulSet, ordinal: number, revisions: Revisions): string {
  const isRolling = set.spec.updateStrategy?.type !== 'OnDelete';
  return isRolling && ordinal < partition(set) ? revisions.current : revisions.update;
}

/**
 * SS-3: an update goes from the highest ordinal down, one at a time, and never past a member that is not
 * healthy.
 */
function nextToUpdate(
  set: SeenStatefulSet,
  members: readonly Member[],
  revisions: Revisions,
  isHealthy: (pod: SeenPod) => boolean,
): SeenPod | undefined {
  if (set.spec.updateStrategy?.type === 'OnDelete') return undefined;
  for (const { ordinal, pod } of members.toReversed()) {
    if (ordinal < partition(set)) return undefined;
    if (pod === undefined) return undefined;
    if (revisionOfPod(pod) !== revisions.update && !isTerminating(pod)) return pod;
    if (!isHealthy(pod)) return undefined;
  }
  return undefined;
}

export interface StatefulStatus {
  readonly status: StatefulSetStatus;
  readonly nextCheckMs?: number;
}

export function statefulStatus(
  set: SeenStatefulSet,
  pods: readonly SeenPod[],
  revisions: Revisions,
  nowMs: number,
): StatefulStatus {
  const present = pods.filter((pod) => ordinalOf(set, pod) !== undefined);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const waits = present
    .map((pod) => msUntilAvailable(pod, minReadySeconds, nowMs))
    .filter((ms) => ms !== undefined);
  const pending = waits.filter((ms) => ms > 0);
  const alive = present.filter((pod) => !isTerminating(pod));
  const updated = alive.filter((pod) => revisionOfPod(pod) === revisions.update).length;
  const ready = present.filter(isPodReady).length;
  const wanted = set.spec.replicas ?? 1;
  // A rollout is over when every member has the new revision and works: then it is the current one.
  const isOver =
    updated === wanted &&
    present.length === wanted &&
    ready === wanted &&
    partition(set) === (set.spec.ordinals?.start ?? 0);
  const currentRevision = isOver ? revisions.update : revisions.current;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: present.length,
    readyReplicas: ready,
    availableReplicas: waits.length - pending.length,
    currentReplicas: alive.filter((pod) => revisionOfPod(pod) === currentRevision).length,
    updatedReplicas: updated,
    currentRevision,
    updateRevision: revisions.update,
    collisionCount: set.status?.collisionCount ?? 0,
  };
  return pending.length === 0 ? { status } : { status, nextCheckMs: Math.min(...pending) };
}
