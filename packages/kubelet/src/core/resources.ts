/** Requests, limits and security of a container as the runtime takes them. Pure. */
import { bytesOf, cpuMillis, podQosClass } from '@kubelab/api';
import type { ContainerResources, ContainerSecurity, NamespaceOptions } from '../runtime/types.ts';
import type { ContainerSpec, PodObject } from './types.ts';

const SHARES_PER_CPU = 1024;
const SHARES_MIN = 2;
const NANO_PER_MILLI = 1_000_000;
const OOM_BEST_EFFORT = 1000;

export function containerResources(
  pod: PodObject,
  container: ContainerSpec,
  nodeMemoryBytes: number,
): ContainerResources {
  const { requests, limits } = container.resources ?? {};
  const cpuRequest = requests?.['cpu'] ?? limits?.['cpu'];
  const cpuLimit = limits?.['cpu'];
  const memoryLimit = limits?.['memory'];
  const requestMillis = cpuRequest === undefined ? 0 : cpuMillis(cpuRequest);
  return {
    cpuShares: Math.max(SHARES_MIN, Math.floor((requestMillis * SHARES_PER_CPU) / 1000)),
    ...(cpuLimit === undefined || cpuMillis(cpuLimit) === 0
      ? {}
      : { nanoCpus: cpuMillis(cpuLimit) * NANO_PER_MILLI }),
    ...(memoryLimit === undefined || bytesOf(memoryLimit) === 0 ? {} : { memoryBytes: bytesOf(memoryLimit) }),
    oomScoreAdj: oomScore(pod, container, nodeMemoryBytes),
  };
}

/**
 * Who is killed first when the node's memory ends. Upstream gives Guaranteed pods −997; below zero needs a capability
 * that a node in a container may lack, so nobody goes below 0 here.
 */
function oomScore(pod: PodObject, container: ContainerSpec, nodeMemoryBytes: number): number {
  const qos = podQosClass(pod);
  if (qos === 'Guaranteed') return 0;
  if (qos === 'BestEffort') return OOM_BEST_EFFORT;
  const request = container.resources?.requests?.['memory'] ?? container.resources?.limits?.['memory'];
  const share = request === undefined ? 0 : bytesOf(request) / Math.max(1, nodeMemoryBytes);
  const score = Math.floor(OOM_BEST_EFFORT - OOM_BEST_EFFORT * share);
  return Math.min(OOM_BEST_EFFORT - 1, Math.max(3, score));
}

export function namespaceOptions(pod: PodObject): NamespaceOptions {
  const { hostNetwork = false, hostPID = false, hostIPC = false, shareProcessNamespace = false } = pod.spec;
  return { hostNetwork, hostPid: hostPID, hostIpc: hostIPC, sharePid: shareProcessNamespace };
}

export function containerSecurity(pod: PodObject, container: ContainerSpec): ContainerSecurity {
  const forPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const userId = own.runAsUser ?? forPod.runAsUser;
  const groupId = own.runAsGroup ?? forPod.runAsGroup;
  const groups = [
    ...(forPod.supplementalGroups ?? []),
    ...(forPod.fsGroup === undefined ? [] : [forPod.fsGroup]),
  ];
  const seccomp = own.seccompProfile ?? forPod.seccompProfile;
  const user =
    userId === undefined
      ? groupId === undefined
        ? undefined
        : `0:${groupId}`
      : `${userId}${groupId === undefined ? '' : `:${groupId}`}`;
  return {
    ...(user === undefined ? {} : { user }),
    groups: groups.map(String),
    capabilitiesAdd: own.capabilities?.add ?? [],
    capabilitiesDrop: own.capabilities?.drop ?? [],
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    seccompUnconfined: seccomp?.type === 'Unconfined',
  };
}

/** Why the container may not run as the user it would run as; undefined when it may. */
export function nonRootProblem(
  pod: PodObject,
  container: ContainerSpec,
  imageUser: string,
): string | undefined {
  const forPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  if ((own.runAsNonRoot ?? forPod.runAsNonRoot) !== true) return undefined;
  const { name, namespace, uid } = pod.metadata;
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`;
  const userId = own.runAsUser ?? forPod.runAsUser;
  if (userId !== undefined) {
    return userId === 0 ? `container's runAsUser breaks non-root policy ${where}` : undefined;
  }
  const user = imageUser.split(':')[0] ?? '';
  if (user === '' || user === '0' || user === 'root') {
    return `container has runAsNonRoot and image will run as root ${where}`;
  }
  if (/^\d+$/.test(user)) return undefined;
  const problem = `container has runAsNonRoot and image has non-numeric user (${user})`;
  return `${problem}, cannot verify user is non-root ${where}`;
}
