/** Questions everybody asks about a pod. */
import type { Pod } from '../generated/types.ts';
import { getCondition, isConditionTrue } from './conditions.ts';
import type { DeepReadonly } from './deep-readonly.ts';

type AnyPod = DeepReadonly<Pod>;

export function isTerminating(object: {
  readonly metadata: { readonly deletionTimestamp?: string | undefined };
}): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Its containers have ended for good. */
export function isPodTerminal(pod: AnyPod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Counts towards what a controller wants: neither ended nor being deleted. */
export function isPodActive(pod: AnyPod): boolean {
  return !isPodTerminal(pod) && !isTerminating(pod);
}

export function isPodReady(pod: AnyPod): boolean {
  return isConditionTrue(pod.status?.conditions, 'Ready');
}

/** Ready, and has been for `minReadySeconds`. */
export function isPodAvailable(pod: AnyPod, minReadySeconds: number, nowMs: number): boolean {
  const ready = getCondition(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isFinite(since) && since + minReadySeconds * 1000 <= nowMs;
}

/** An init container that keeps running beside the others: a sidecar. */
export function isSidecar(container: { readonly restartPolicy?: string | undefined }): boolean {
  return container.restartPolicy === 'Always';
}

/** The pod belongs to a file on the node, not to the API. */
export function isMirrorPod(pod: AnyPod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}
