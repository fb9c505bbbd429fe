import type { DeploymentStatus, NewObject, Pod, ReplicaSet } from '@kubelab/api';
import { sum, type Seen } from '../shared/objects.ts';
import {
  draftOf,
  isChanged,
  REVISION,
  scaleTo,
  type SeenSet,
  type SetDraft,
  totalReplicas,
} from './draft.ts';
import { isRolling, type SeenDeployment, wantedReplicas } from './limits.ts';
import { findNewSet, newReplicaSet, setsToForget, syncRevision } from './revision.ts';
import { newSetReplicas, planRolling } from './rolling.ts';
import { isScalingEvent, planScaling } from './scaling.ts';
import {
  condition,
  countStatus,
  isComplete,
  msUntilStuck,
  reasons,
  withCondition,
  withPause,
  withProgress,
} from './status.ts';

export interface DeploymentView {
  readonly deployment: SeenDeployment;
  /** All ReplicaSets that are ours. */
  readonly sets: readonly SeenSet[];
  /** Pods of one of our sets: only asked for by `Recreate`, which waits until the old ones are gone. */
  readonly podsOf: (set: SeenSet) => readonly Seen<Pod>[];
}

export interface DeploymentPlan {
  readonly create?: NewObject<ReplicaSet> & { metadata: { name: string } };
  readonly updates: readonly SetDraft[];
  readonly forget: readonly SeenSet[];
  /** What `deployment.kubernetes.io/revision` of the Deployment shall say. */
  readonly revision?: string;
  readonly status: DeploymentStatus;
  readonly requeueAfterMs?: number;
}

/**
 * What this pass does for a Deployment. One step of a rollout at a time: the sets' own changes start the next
 * pass.
 */
export function planDeployment(view: DeploymentView, nowMs: number): DeploymentPlan {
  const { deployment, sets } = view;
  const newSet = findNewSet(deployment, sets);
  const counted = countStatus(deployment, newSet, sets, nowMs);
  if (deployment.metadata.deletionTimestamp !== undefined)
    return { updates: [], forget: [], status: counted };

  const isPaused = deployment.spec.paused === true;
  const fresh = newSet === undefined ? undefined : draftOf(newSet);
  const oldSets = sets.filter((set) => set !== newSet);
  const old = oldSets.map(draftOf);
  const drafts = fresh === undefined ? old : [...old, fresh];
  if (fresh !== undefined) syncRevision(fresh, deployment, oldSets);
  let status: DeploymentStatus = {
    ...counted,
    conditions: [...withPause(deployment, counted.conditions ?? [], nowMs)],
  };
  let create: DeploymentPlan['create'];

  if (isPaused || isScalingEvent(deployment, drafts)) {
    planScaling(deployment, fresh, old);
  } else {
    if (fresh !== undefined) status = noteFound(status, fresh.set, nowMs);
    create = planRollout(view, fresh, old);
    if (create !== undefined) status = noteCreated(status, create.metadata.name, nowMs);
    status = withProgress(deployment, status, newSet, sets, nowMs);
  }

  const mayForget = isPaused || isComplete(deployment, status);
  const requeueAfterMs = msUntilStuck(deployment, status, nowMs);
  const revision = (create?.metadata.annotations ?? fresh?.annotations)?.[REVISION];
  return {
    ...(create === undefined ? {} : { create }),
    ...(revision === undefined ? {} : { revision }),
    updates: drafts.filter(isChanged),
    forget: mayForget ? setsToForget(deployment, oldSets) : [],
    status,
    ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
  };
}

/** Answers the set to create, if the rollout has none yet; otherwise moves the drafts one step. */
function planRollout(
  { deployment, podsOf }: DeploymentView,
  fresh: SetDraft | undefined,
  old: readonly SetDraft[],
): DeploymentPlan['create'] {
  const oldSets = old.map((draft) => draft.set);
  if (isRolling(deployment)) {
    if (fresh === undefined)
      return newReplicaSet(deployment, oldSets, newSetReplicas(deployment, 0, totalReplicas(old)));
    planRolling(deployment, fresh, old);
    return undefined;
  }
  // Recreate: nothing new before the last old pod is gone.
  const standing = old.filter((draft) => draft.replicas > 0);
  for (const draft of standing) scaleTo(draft, deployment, 0);
  if (standing.length > 0 || hasRunningPods(oldSets, podsOf)) return undefined;
  if (fresh === undefined) return newReplicaSet(deployment, oldSets, wantedReplicas(deployment));
  if (fresh.replicas !== wantedReplicas(deployment)) scaleTo(fresh, deployment, wantedReplicas(deployment));
  return undefined;
}

function hasRunningPods(sets: readonly SeenSet[], podsOf: DeploymentView['podsOf']): boolean {
  if (sum(sets, (set) => set.status?.replicas ?? 0) > 0) return true;
  return sets
    .flatMap(podsOf)
    .some((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
}

/** A rollout without a word about progress yet finds its set where somebody has left it. */
function noteFound(status: DeploymentStatus, set: SeenSet, nowMs: number): DeploymentStatus {
  const conditions = status.conditions ?? [];
  if (conditions.some(({ type }) => type === 'Progressing')) return status;
  const found = condition(
    'Progressing',
    'True',
    reasons.newSetFound,
    `Found new replica set "${set.metadata.name}"`,
  );
  return { ...status, conditions: [...withCondition(conditions, found, nowMs)] };
}

function noteCreated(status: DeploymentStatus, name: string, nowMs: number): DeploymentStatus {
  const created = condition(
    'Progressing',
    'True',
    reasons.newSetCreated,
    `Created new replica set "${name}"`,
  );
  return { ...status, conditions: [...withCondition(status.conditions ?? [], created, nowMs)] };
}
