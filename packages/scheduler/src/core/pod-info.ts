import {
  type DeepReadonly,
  type LabelMatcher,
  labelSelectorMatcher,
  nothing,
  objectKey,
  type Pod,
  podRequests,
  type PodAffinityTerm,
  type ResourceAmounts,
} from '@kubelab/api';

export type AnyPod = DeepReadonly<Pod>;

/** A pod with what the rules ask of it worked out once. */
export interface PodInfo {
  readonly pod: AnyPod;
  readonly key: string;
  readonly priority: number;
  readonly requests: ResourceAmounts;
  /**
   * cpu (milli) and memory (bytes) as scores count them: a container that asks for nothing still needs
   * something.
   */
  readonly nonZero: { readonly cpu: number; readonly memory: number };
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: LabelMatcher;
  readonly namespaces: ReadonlySet<string>;
  /** Matches the labels of namespaces; `nothing` when the term has no namespaceSelector. */
  readonly namespaceSelector: LabelMatcher;
}

export interface WeightedTerm {
  readonly weight: number;
  readonly term: AffinityTerm;
}

/** Upstream's stand-ins for containers without requests, so that scores do not see them as free. */
const DEFAULT_CPU_MILLIS = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

export function podInfoOf(pod: AnyPod): PodInfo {
  const { affinity } = pod.spec;
  const terms = (list: readonly DeepReadonly<PodAffinityTerm>[] | undefined) =>
    (list ?? []).map((term) => affinityTermOf(pod, term));
  const weighted = (
    list: readonly { weight: number; podAffinityTerm: DeepReadonly<PodAffinityTerm> }[] | undefined,
  ) =>
    (list ?? []).map(({ weight, podAffinityTerm }) => ({
      weight,
      term: affinityTermOf(pod, podAffinityTerm),
    }));
  return {
    pod,
    key: objectKey(pod),
    priority: pod.spec.priority ?? 0,
    requests: podRequests(pod),
    nonZero: nonZeroRequests(pod),
    hostPorts: hostPortsOf(pod),
    affinity: terms(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: terms(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: weighted(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(
      affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution,
    ),
  };
}

function affinityTermOf(pod: AnyPod, term: DeepReadonly<PodAffinityTerm>): AffinityTerm {
  const listed = term.namespaces ?? [];
  const isOwnOnly = listed.length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    selector: labelSelectorMatcher(term.labelSelector),
    namespaces: new Set(isOwnOnly ? [pod.metadata.namespace ?? ''] : listed),
    namespaceSelector:
      term.namespaceSelector === undefined ? nothing : labelSelectorMatcher(term.namespaceSelector),
  };
}

function nonZeroRequests(pod: AnyPod): { cpu: number; memory: number } {
  const withDefaults = (container: AnyPod['spec']['containers'][number]) => ({
    ...container,
    resources: {
      ...container.resources,
      requests: {
        cpu: `${DEFAULT_CPU_MILLIS}m`,
        memory: String(DEFAULT_MEMORY_BYTES),
        ...container.resources?.requests,
      },
    },
  });
  const requests = podRequests({ spec: { ...pod.spec, containers: pod.spec.containers.map(withDefaults) } });
  return { cpu: requests['cpu'] ?? 0, memory: requests['memory'] ?? 0 };
}

function hostPortsOf({ spec }: AnyPod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostIP, protocol, hostPort = 0 }) => ({
      ip: hostIP || ANY_IP,
      protocol: protocol ?? 'TCP',
      port: hostPort,
    }));
}

const ANY_IP = '0.0.0.0';

/** The same port and protocol on the same address; no address means all. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === ANY_IP || b.ip === ANY_IP;
}
