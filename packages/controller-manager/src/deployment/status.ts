import { type DeploymentCondition, type DeploymentStatus, getCondition } from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import { sum, timeMs } from '../shared/objects.ts';
import type { SeenSet } from './draft.ts';
import { progressDeadlineMs, rolloutLimits, type SeenDeployment, wantedReplicas } from './limits.ts';

type Conditions = readonly DeploymentCondition[];

export const reasons = {
  newSetCreated: 'NewReplicaSetCreated',
  newSetFound: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  timedOut: 'ProgressDeadlineExceeded',
  createFailed: 'ReplicaSetCreateError',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
} as const;

/**
 * Counts of all sets, and the `Available` condition that follows from them; the other conditions as they
 * were.
 */
export function countStatus(
  deployment: SeenDeployment,
  newSet: SeenSet | undefined,
  sets: readonly SeenSet[],
  nowMs: number,
): DeploymentStatus {
  const available = sum(sets, (set) => set.status?.availableReplicas ?? 0);
  const wantedTotal = sum(sets, (set) => set.spec.replicas ?? 1);
  const old = (deployment.status?.conditions ?? []).map((condition) => ({ ...condition }));
  const enough = available >= wantedReplicas(deployment) - rolloutLimits(deployment).maxUnavailable;
  const conditions = withCondition(
    old,
    enough
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
      : condition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
        ),
    nowMs,
  );
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...withoutZeros({
      replicas: sum(sets, (set) => set.status?.replicas ?? 0),
      updatedReplicas: newSet?.status?.replicas ?? 0,
      readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, wantedTotal - available),
    }),
    ...(deployment.status?.collisionCount === undefined
      ? {}
      : { collisionCount: deployment.status.collisionCount }),
    conditions: [...conditions],
  };
}

/** Upstream leaves a count of zero out. */
export function withoutZeros<T extends Record<string, number>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>;
}

export function condition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
) {
  return { type, status, reason, message };
}

/**
 * Sets a condition; the same status and reason leave it as it stands, the same status keeps its transition
 * time.
 */
export function withCondition(
  conditions: Conditions,
  next: Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>,
  nowMs: number,
  options: { readonly evenIfSame?: boolean } = {},
): Conditions {
  const old = getCondition(conditions, next.type);
  if (old?.status === next.status && old.reason === next.reason && options.evenIfSame !== true)
    return conditions;
  const nowText = rfc3339(nowMs);
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? nowText) : nowText;
  const others = conditions.filter(({ type }) => type !== next.type);
  return [...others, { ...next, lastUpdateTime: nowText, lastTransitionTime }];
}

export function isComplete(deployment: SeenDeployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted
  );
}

function isProgressing(deployment: SeenDeployment, status: DeploymentStatus): boolean {
  const old = deployment.status ?? {};
  const outdated = (of: typeof old) => (of.replicas ?? 0) - (of.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(status) < outdated(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

/** The `Progressing` and `ReplicaFailure` conditions of a rollout (upstream's `syncRolloutStatus`). */
export function withProgress(
  deployment: SeenDeployment,
  status: DeploymentStatus,
  newSet: SeenSet | undefined,
  sets: readonly SeenSet[],
  nowMs: number,
): DeploymentStatus {
  let conditions: Conditions = status.conditions ?? [];
  const current = getCondition(conditions, 'Progressing');
  const wasComplete = status.replicas === status.updatedReplicas && current?.reason === reasons.available;
  const about =
    newSet === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newSet.metadata.name}"`;
  if (progressDeadlineMs(deployment) === undefined) {
    conditions = conditions.filter(({ type }) => type !== 'Progressing');
  } else if (!wasComplete) {
    if (isComplete(deployment, status)) {
      const done = condition(
        'Progressing',
        'True',
        reasons.available,
        `${about} has successfully progressed.`,
      );
      conditions = withCondition(conditions, done, nowMs);
    } else if (isProgressing(deployment, status)) {
      const going = condition('Progressing', 'True', reasons.updated, `${about} is progressing.`);
      conditions = withCondition(conditions, going, nowMs, { evenIfSame: true });
    } else if (isTimedOut(deployment, current, nowMs)) {
      const stuck = condition(
        'Progressing',
        'False',
        reasons.timedOut,
        `${about} has timed out progressing.`,
      );
      conditions = withCondition(conditions, stuck, nowMs);
    }
  }
  return { ...status, conditions: withReplicaFailure(conditions, newSet, sets, nowMs) };
}

function withReplicaFailure(
  conditions: Conditions,
  newSet: SeenSet | undefined,
  sets: readonly SeenSet[],
  nowMs: number,
): DeploymentCondition[] {
  const failures = [newSet, ...sets].flatMap((set) => {
    const failure = getCondition(set?.status?.conditions, 'ReplicaFailure');
    return failure === undefined ? [] : [failure];
  });
  const [failure] = failures;
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const { status, reason, message } = failure;
  return [...withCondition(conditions, { type: 'ReplicaFailure', status, reason, message }, nowMs)];
}

function isTimedOut(
  deployment: SeenDeployment,
  current: DeploymentCondition | undefined,
  nowMs: number,
): boolean {
  if (current === undefined || current.reason === reasons.available) return false;
  if (current.reason === reasons.timedOut) return true;
  const deadlineMs = progressDeadlineMs(deployment);
  return deadlineMs !== undefined && timeMs(current.lastUpdateTime) + deadlineMs < nowMs;
}

/**
 * When to look again for a rollout that may get stuck by time alone; undefined when there is nothing to wait
 * for.
 */
export function msUntilStuck(
  deployment: SeenDeployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const current = getCondition(status.conditions, 'Progressing');
  if (deadlineMs === undefined || current === undefined || isComplete(deployment, status)) return undefined;
  if (current.reason === reasons.timedOut || current.reason === reasons.available) return undefined;
  return Math.max(0, timeMs(current.lastUpdateTime) + deadlineMs - nowMs) + 1000;
}

/**
 * Says in `Progressing` that the Deployment is paused, or no longer so, once, so that a pause does not count
 * as being stuck.
 */
export function withPause(deployment: SeenDeployment, conditions: Conditions, nowMs: number): Conditions {
  const current = getCondition(conditions, 'Progressing');
  if (progressDeadlineMs(deployment) === undefined || current?.reason === reasons.timedOut) return conditions;
  const isPaused = deployment.spec.paused === true;
  if (isPaused && current?.reason !== reasons.paused) {
    const paused = condition('Progressing', 'Unknown', reasons.paused, 'Deployment is paused');
    return withCondition(conditions, paused, nowMs);
  }
  if (!isPaused && current?.reason === reasons.paused) {
    const resumed = condition('Progressing', 'Unknown', reasons.resumed, 'Deployment is resumed');
    return withCondition(conditions, resumed, nowMs);
  }
  return conditions;
}
