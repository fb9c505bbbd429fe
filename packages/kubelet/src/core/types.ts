import type {
  Container,
  ContainerState,
  ContainerStatus,
  Node,
  Pod,
  PodCondition,
  PodStatus,
  Volume,
} from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';
import type { ContainerRecord, PodIdentity, PodSandbox } from '../runtime/types.ts';

/** Objects as they come out of a cache: nobody may write to them. */
export type PodObject = DeepReadonly<Pod>;
export type NodeObject = DeepReadonly<Node>;
export type ContainerSpec = DeepReadonly<Container>;
export type VolumeSpec = DeepReadonly<Volume>;
export type { ContainerState, ContainerStatus, PodCondition, PodStatus };

/** What the runtime holds of one pod, newest attempt first in both lists. */
export interface PodRuntime {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly ContainerRecord[];
}

export const noRuntime: PodRuntime = { sandboxes: [], containers: [] };

export function podIdentity(pod: PodObject): PodIdentity {
  const { name, namespace = '', uid } = pod.metadata;
  return { name, namespace, uid };
}

export type ContainerKind = 'init' | 'sidecar' | 'regular';

/** An init container that restarts always is a sidecar: it starts in its place and stays. */
export function isSidecar(container: ContainerSpec): boolean {
  return container.restartPolicy === 'Always';
}

export interface PodContainer {
  readonly spec: ContainerSpec;
  readonly kind: ContainerKind;
}

/** All of a pod's containers, init ones first, each with its kind. */
export function podContainers(pod: PodObject): PodContainer[] {
  const init = (pod.spec.initContainers ?? []).map((spec) => ({
    spec,
    kind: isSidecar(spec) ? ('sidecar' as const) : ('init' as const),
  }));
  return [...init, ...pod.spec.containers.map((spec) => ({ spec, kind: 'regular' as const }))];
}

/** The newest attempt of each container, by name. */
export function newestByName(containers: readonly ContainerRecord[]): Map<string, ContainerRecord> {
  const newest = new Map<string, ContainerRecord>();
  for (const record of containers) {
    const seen = newest.get(record.name);
    if (seen === undefined || record.attempt > seen.attempt) newest.set(record.name, record);
  }
  return newest;
}

export function isPodTerminal(status: DeepReadonly<PodStatus> | undefined): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}
