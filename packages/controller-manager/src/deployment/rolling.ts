/**
 * The rolling update: pods move from the old sets to the new one within `maxSurge` and `maxUnavailable` (K2).
 */
import { assert } from '@kubelab/component-base';
import { byCreation, sum } from '../shared/objects.ts';
import { availableReplicas, scaleTo, type SetDraft, totalReplicas } from './draft.ts';
import { rolloutLimits, type SeenDeployment, wantedReplicas } from './limits.ts';

/** How large the new set may be now (upstream's `NewRSNewReplicas`). */
export function newSetReplicas(deployment: SeenDeployment, newReplicas: number, allReplicas: number): number {
  const wanted = wantedReplicas(deployment);
  const room = wanted + rolloutLimits(deployment).maxSurge - allReplicas;
  if (room <= 0) return newReplicas;
  return newReplicas + Math.min(room, wanted - newReplicas);
}

/**
 * One step of the rollout: up first; down only in a pass in which nothing went up, so that both read the same
 * status.
 */
export function planRolling(deployment: SeenDeployment, fresh: SetDraft, old: readonly SetDraft[]): void {
  const all = [...old, fresh];
  const wanted = wantedReplicas(deployment);
  const before = totalReplicas(all);
  const size = fresh.replicas > wanted ? wanted : newSetReplicas(deployment, fresh.replicas, before);
  if (size !== fresh.replicas) {
    scaleTo(fresh, deployment, size);
    const most = Math.max(before, wanted + rolloutLimits(deployment).maxSurge);
    assert(totalReplicas(all) <= most, 'K2', 'maxSurge');
    return;
  }
  scaleOldDown(
    deployment,
    fresh,
    old.filter((draft) => draft.replicas > 0),
  );
}

function scaleOldDown(deployment: SeenDeployment, fresh: SetDraft, old: readonly SetDraft[]): void {
  if (old.length === 0) return;
  const minAvailable = wantedReplicas(deployment) - rolloutLimits(deployment).maxUnavailable;
  // Pods of the new set that are not available yet are promised room below; they must not be counted on.
  const freshUnavailable = fresh.replicas - availableReplicas(fresh);
  const mayGo = totalReplicas([...old, fresh]) - minAvailable - freshUnavailable;
  if (mayGo <= 0) return;

  const oldestFirst = old.toSorted((a, b) => byCreation(a.set, b.set));
  // Pods that do not work are no loss, and as long as they stand they could block the rollout.
  let left = mayGo;
  for (const draft of oldestFirst) {
    const broken = Math.max(0, draft.replicas - availableReplicas(draft));
    const gone = Math.min(left, broken);
    if (gone > 0) scaleTo(draft, deployment, draft.replicas - gone);
    left -= gone;
  }
  let spare = sum([...old, fresh], availableReplicas) - minAvailable;
  for (const draft of oldestFirst) {
    const gone = Math.min(draft.replicas, Math.max(0, spare));
    if (gone > 0) scaleTo(draft, deployment, draft.replicas - gone);
    spare -= gone;
  }
}
