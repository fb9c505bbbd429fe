import { type Deployment, scaledValue } from '@kubelab/api';
import type { Seen } from '../shared/objects.ts';

export type SeenDeployment = Seen<Deployment>;

const DEFAULT_SHARE = '25%';

export function wantedReplicas(deployment: SeenDeployment): number {
  return deployment.spec.replicas ?? 1;
}

export function isRolling(deployment: SeenDeployment): boolean {
  return deployment.spec.strategy?.type !== 'Recreate';
}

/** How far a rollout may go above and below the wanted number of pods (upstream's `ResolveFenceposts`). */
export function rolloutLimits(deployment: SeenDeployment): { maxSurge: number; maxUnavailable: number } {
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge: surge, maxUnavailable: unavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const maxSurge = scaledValue(surge ?? DEFAULT_SHARE, replicas, 'up') ?? 0;
  const maxUnavailable = scaledValue(unavailable ?? DEFAULT_SHARE, replicas, 'down') ?? 0;
  // Both rounded to nothing would be a rollout that never moves.
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge, maxUnavailable: Math.min(1, replicas) };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** Undefined: the rollout is never called stuck. */
export function progressDeadlineMs(deployment: SeenDeployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds * 1000;
}
