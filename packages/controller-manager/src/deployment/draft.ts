import type { ReplicaSet } from '@kubelab/api';
import { sum, type Seen } from '../shared/objects.ts';
import { rolloutLimits, type SeenDeployment, wantedReplicas } from './limits.ts';

export type SeenSet = Seen<ReplicaSet>;

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
/** The Deployment's size when the set was last sized: a different one now means the user has scaled. */
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
/** `desired-replicas` plus the surge allowed then: the base of proportional scaling. */
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
export const POD_TEMPLATE_HASH = 'pod-template-hash';

/**
 * One ReplicaSet as this pass wants it; what differs from `set` in the end becomes one conditional update.
 */
export interface SetDraft {
  readonly set: SeenSet;
  replicas: number;
  annotations: Record<string, string>;
  minReadySeconds: number;
}

export function draftOf(set: SeenSet): SetDraft {
  return {
    set,
    replicas: set.spec.replicas ?? 1,
    annotations: { ...set.metadata.annotations },
    minReadySeconds: set.spec.minReadySeconds ?? 0,
  };
}

export function isChanged(draft: SetDraft): boolean {
  const before = draftOf(draft.set);
  return (
    before.replicas !== draft.replicas ||
    before.minReadySeconds !== draft.minReadySeconds ||
    Object.entries(draft.annotations).some(([key, value]) => before.annotations[key] !== value)
  );
}

/** Sizes a set and notes which size of the Deployment that belongs to. */
export function scaleTo(draft: SetDraft, deployment: SeenDeployment, replicas: number): void {
  draft.replicas = replicas;
  Object.assign(draft.annotations, sizeAnnotations(deployment));
}

export function sizeAnnotations(deployment: SeenDeployment): Record<string, string> {
  const desired = wantedReplicas(deployment);
  return {
    [DESIRED_REPLICAS]: String(desired),
    [MAX_REPLICAS]: String(desired + rolloutLimits(deployment).maxSurge),
  };
}

export function totalReplicas(drafts: readonly SetDraft[]): number {
  return sum(drafts, (draft) => draft.replicas);
}

/**
 * Available pods that will still be there when the set has reached its size. Upstream takes the status as it
 * stands, and may
 * then count on pods of a set that has been told to shrink but has not begun.
 */
export function availableReplicas(draft: SetDraft): number {
  return Math.min(draft.replicas, draft.set.status?.availableReplicas ?? 0);
}
