import type { ContainerSpec } from './types.ts';
import type { PodIdentity } from '../runtime/types.ts';

/** Labels that tell a later kubelet what a container is; the first six are upstream's. */
export const LABEL = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  type: 'io.kubernetes.docker.type',
  sandboxId: 'io.kubernetes.sandbox.id',
  hash: 'annotation.io.kubernetes.container.hash',
  /** Whose it is: several kubelets may share an engine, and foreign containers are left alone. */
  node: 'kubelab.node',
} as const;

export const SANDBOX_CONTAINER = 'POD';

/** `k8s_web_web-0_default_<uid>_0`, as the Docker shim named them. */
export function containerName(pod: PodIdentity, container: string, attempt: number): string {
  return ['k8s', container, pod.name, pod.namespace, pod.uid, attempt].join('_');
}

/** The attempt of a name made by `containerName`; 0 when it is none. */
export function attemptOf(name: string): number {
  const parts = name.replace(/^\//, '').split('_');
  const attempt = Number(parts[5]);
  return parts[0] === 'k8s' && Number.isInteger(attempt) ? attempt : 0;
}

/** FNV-1a over what forces a restart when it changes: the name and the image, as upstream. */
export function containerHash(container: ContainerSpec): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify([container.name, container.image]))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}
