/**
 * What a change of `spec.replicas` does in the middle of a rollout (or while paused): every set keeps its
 * share.
 */
import { byCreation, compareText } from '../shared/objects.ts';
import {
  availableReplicas,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  scaleTo,
  type SetDraft,
  totalReplicas,
} from './draft.ts';
import { isRolling, rolloutLimits, type SeenDeployment, wantedReplicas } from './limits.ts';
import { revisionOf } from './revision.ts';

/** A set that was sized for another `spec.replicas` than today's: the user has scaled. */
export function isScalingEvent(deployment: SeenDeployment, drafts: readonly SetDraft[]): boolean {
  return drafts.some((draft) => {
    const desired = draft.set.metadata.annotations?.[DESIRED_REPLICAS];
    return draft.replicas > 0 && desired !== undefined && Number(desired) !== wantedReplicas(deployment);
  });
}

export function planScaling(
  deployment: SeenDeployment,
  fresh: SetDraft | undefined,
  old: readonly SetDraft[],
): void {
  const wanted = wantedReplicas(deployment);
  const only = activeOrLatest(fresh, old);
  if (only !== undefined) {
    scaleTo(only, deployment, wanted);
    return;
  }
  if (fresh !== undefined && isSaturated(deployment, fresh)) {
    for (const draft of old) if (draft.replicas > 0) scaleTo(draft, deployment, 0);
    scaleTo(fresh, deployment, fresh.replicas);
    return;
  }
  if (isRolling(deployment)) scaleProportionally(deployment, fresh === undefined ? old : [...old, fresh]);
}

/**
 * The one set that matters, when there is only one: the active one, else the new one, else the latest old
 * one.
 */
function activeOrLatest(fresh: SetDraft | undefined, old: readonly SetDraft[]): SetDraft | undefined {
  const all = fresh === undefined ? old : [...old, fresh];
  const active = all.filter((draft) => draft.replicas > 0);
  if (active.length > 1) return undefined;
  return active[0] ?? fresh ?? old.toSorted((a, b) => revisionOf(b.set) - revisionOf(a.set))[0];
}

function isSaturated(deployment: SeenDeployment, fresh: SetDraft): boolean {
  const wanted = wantedReplicas(deployment);
  const desired = Number(fresh.set.metadata.annotations?.[DESIRED_REPLICAS] ?? Number.NaN);
  return fresh.replicas === wanted && desired === wanted && availableReplicas(fresh) === wanted;
}

function scaleProportionally(deployment: SeenDeployment, all: readonly SetDraft[]): void {
  const wanted = wantedReplicas(deployment);
  const active = all.filter((draft) => draft.replicas > 0);
  const allowed = wanted > 0 ? wanted + rolloutLimits(deployment).maxSurge : 0;
  const toAdd = allowed - totalReplicas(active);
  // Growing favours the newest of equals, shrinking takes from the oldest.
  const order = active.toSorted(
    (a, b) =>
      b.replicas - a.replicas ||
      (toAdd > 0 ? byCreation(b.set, a.set) : byCreation(a.set, b.set)) ||
      compareText(a.set.metadata.name, b.set.metadata.name),
  );
  let added = 0;
  for (const draft of order) {
    const share = toAdd === 0 ? 0 : proportion(deployment, draft, toAdd - added);
    added += share;
    scaleTo(draft, deployment, Math.max(0, draft.replicas + share));
  }
  const [largest] = order;
  // What rounding has left over goes to the largest.
  if (largest !== undefined) scaleTo(largest, deployment, Math.max(0, largest.replicas + toAdd - added));
}

/** This set's part of what is still to be added (negative: to be taken away). */
function proportion(deployment: SeenDeployment, draft: SetDraft, left: number): number {
  const wanted = wantedReplicas(deployment);
  if (wanted === 0) return -draft.replicas;
  const before = Number(draft.set.metadata.annotations?.[MAX_REPLICAS] ?? deployment.status?.replicas ?? 0);
  if (!(before > 0)) return 0;
  const after = wanted + rolloutLimits(deployment).maxSurge;
  const share = Math.round((draft.replicas * after) / before) - draft.replicas;
  return left > 0 ? Math.min(share, left) : Math.max(share, left);
}
