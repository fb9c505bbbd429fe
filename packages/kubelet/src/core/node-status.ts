/** The Node object as the kubelet tells it. Pure; upstream: `nodestatus/setters.go`. */
import { rfc3339 } from '@kubelab/component-base';
import type { NodeCondition, NodeStatus } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly addresses: readonly string[];
  readonly capacity: Readonly<Record<string, string>>;
  readonly port: number;
  readonly system: SystemInfo;
  readonly kubeletVersion: string;
  /** `docker://20.10.24`; undefined while the runtime is down. */
  readonly runtimeVersion: string | undefined;
  readonly hasPodCidr: boolean;
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
  readonly previous: DeepReadonly<NodeStatus> | undefined;
  readonly nowMs: number;
}

/** What the machine says of itself. */
export interface SystemInfo {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly os: string;
  readonly arch: string;
}

const IMAGES_MAX = 50;

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { system, previous } = input;
  return {
    addresses: [
      ...input.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: input.nodeName },
    ],
    capacity: { ...input.capacity },
    allocatable: { ...input.capacity },
    conditions: conditions(input),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    images: input.images
      .filter(({ names }) => names.length > 0)
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, IMAGES_MAX)
      .map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes })),
    nodeInfo: {
      architecture: system.arch,
      bootID: system.bootId,
      containerRuntimeVersion: input.runtimeVersion ?? previous?.nodeInfo?.containerRuntimeVersion ?? '',
      kernelVersion: system.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: input.kubeletVersion,
      machineID: system.machineId,
      operatingSystem: system.os,
      osImage: system.osImage,
      systemUUID: system.systemUuid,
    },
  };
}

function conditions({ previous, nowMs, runtimeVersion, hasPodCidr }: NodeStatusInput): NodeCondition[] {
  const now = rfc3339(nowMs);
  const condition = (type: string, status: string, reason: string, message: string): NodeCondition => {
    const before = previous?.conditions?.find((entry) => entry.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime };
  };
  const problems = [
    ...(runtimeVersion === undefined ? ['container runtime is down'] : []),
    ...(hasPodCidr ? [] : ['container runtime network not ready: the pod CIDR of the node is not known yet']),
  ];
  return [
    condition(
      'MemoryPressure',
      'False',
      'KubeletHasSufficientMemory',
      'kubelet has sufficient memory available',
    ),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length === 0
      ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', 'False', 'KubeletNotReady', problems.join(', ')),
  ];
}

/** Everything but the heartbeats: what is worth writing at once when it changes. */
export function withoutHeartbeats(status: DeepReadonly<NodeStatus> | undefined): unknown {
  return {
    ...status,
    conditions: status?.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
  };
}

/** The labels every kubelet puts on its node. */
export function nodeLabels(nodeName: string, os: string, arch: string): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': os,
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': os,
  };
}

/** `cpu=4,memory=4Gi,pods=110` over what upstream reports by default. */
export function parseCapacity(
  pairs: readonly string[],
  defaults: Readonly<Record<string, string>>,
): Record<string, string> {
  const capacity = { ...defaults };
  for (const pair of pairs) {
    const [name = '', value = ''] = pair.split('=');
    if (name === '' || value === '') throw new Error(`--node-capacity: "${pair}" is not name=quantity`);
    capacity[name] = value;
  }
  return capacity;
}
