import { getCondition, type Pod } from '@kubelab/api';
import { type Seen, timeMs } from './objects.ts';

/** Pure questions about pods that several controllers ask. */
export type SeenPod = Seen<Pod>;

/**
 * Ms until a ready pod has been ready for `minReadySeconds`: 0 when it is available, undefined when it is not
 * ready.
 */
export function msUntilAvailable(pod: SeenPod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = getCondition(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  if (ready.lastTransitionTime === undefined) return undefined;
  return Math.max(0, timeMs(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs);
}

export function restartCount(pod: SeenPod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0));
}

/** When the pod became ready, ms since the epoch; 0 when unknown. */
export function readySinceMs(pod: SeenPod): number {
  const ready = getCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' ? timeMs(ready.lastTransitionTime) : 0;
}
