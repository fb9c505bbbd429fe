import {
  isPodActive,
  isPodReady,
  type PodTemplateSpec,
  type ReplicaSet,
  type ReplicaSetStatus,
  type ReplicationController,
} from '@kubelab/api';
import { assert } from '@kubelab/component-base';
import type { Seen } from '../shared/objects.ts';
import { msUntilAvailable, type SeenPod } from '../shared/pods.ts';
import { podsToDelete } from './rank.ts';

/**
 * What keeps a number of pods: a ReplicaSet or a ReplicationController, which differ in their selector only.
 */
export type ReplicaOwner = ReplicaSet | ReplicationController;
export type SeenOwner = Seen<ReplicaOwner>;

/** RS-3: at most this many writes in one pass (upstream's `BurstReplicas`). */
export const BURST_PODS_MAX = 500;

export interface ReplicaPlan {
  readonly createCount: number;
  readonly toDelete: readonly SeenPod[];
}

/**
 * How many pods to make, or which to give up. `owned` and `related` may hold pods that are finished or going.
 */
export function planReplicas(
  owner: SeenOwner,
  owned: readonly SeenPod[],
  related: readonly SeenPod[],
  nowMs: number,
): ReplicaPlan {
  const active = owned.filter(isPodActive);
  const missing = wantedReplicas(owner) - active.length;
  if (missing >= 0) return { createCount: Math.min(missing, BURST_PODS_MAX), toDelete: [] };
  const count = Math.min(-missing, BURST_PODS_MAX);
  const toDelete = podsToDelete(active, related.filter(isPodActive), count, nowMs);
  assert(toDelete.length <= BURST_PODS_MAX, 'RS-3');
  return { createCount: 0, toDelete };
}

export function wantedReplicas(owner: SeenOwner): number {
  return owner.spec.replicas ?? 1;
}

/** What went wrong in this pass, for the `ReplicaFailure` condition. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

export interface ReplicaStatus {
  readonly status: ReplicaSetStatus;
  /** When a ready pod becomes available by time alone; undefined when none will. */
  readonly nextCheckMs?: number;
}

export function replicaStatus(
  owner: SeenOwner,
  owned: readonly SeenPod[],
  failure: ReplicaFailure | undefined,
  now: { readonly ms: number; readonly text: string },
): ReplicaStatus {
  const active = owned.filter(isPodActive);
  const minReadySeconds = owner.spec.minReadySeconds ?? 0;
  const waits = active
    .map((pod) => msUntilAvailable(pod, minReadySeconds, now.ms))
    .filter((ms) => ms !== undefined);
  const pending = waits.filter((ms) => ms > 0);
  const conditions = failureConditions(owner, failure, now.text);
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => hasLabelsOf(pod, owner.spec.template)).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: waits.length - pending.length,
    observedGeneration: owner.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return pending.length === 0 ? { status } : { status, nextCheckMs: Math.min(...pending) };
}

function failureConditions(
  owner: SeenOwner,
  failure: ReplicaFailure | undefined,
  nowText: string,
): NonNullable<ReplicaSetStatus['conditions']> {
  const conditions = (owner.status?.conditions ?? []).map((condition) => ({ ...condition }));
  const others = conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const old = conditions.find((condition) => condition.type === 'ReplicaFailure');
  if (old?.reason === failure.reason) return conditions;
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: nowText, ...failure }];
}

function hasLabelsOf(pod: SeenPod, template: Seen<PodTemplateSpec> | undefined): boolean {
  return Object.entries(template?.metadata?.labels ?? {}).every(
    ([key, value]) => pod.metadata.labels?.[key] === value,
  );
}
