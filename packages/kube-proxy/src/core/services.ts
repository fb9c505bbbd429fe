import type { EndpointSlice, Service } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';

/** One port of a Service with where it leads: what a backend turns into rules. Pure data. */
export interface ServicePort {
  /** `default/web:http`; unique, and stable while the Service lives. */
  readonly id: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
  /** ClusterIP, external and balancer addresses that lead to it. */
  readonly addresses: readonly string[];
  readonly nodePort?: number | undefined;
  /** How long a client stays with its endpoint; absent without session affinity. */
  readonly affinitySeconds?: number | undefined;
  /** Where a connection from within the cluster goes. */
  readonly internal: readonly Target[];
  /** Where a connection to a node port goes; only this node's own with externalTrafficPolicy Local. */
  readonly external: readonly Target[];
  /** With policy Local the client's address is kept. */
  readonly keepsSource: boolean;
}

export interface Target {
  readonly address: string;
  readonly port: number;
}

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/**
 * PROXY-1: targets are exactly the ready endpoints; when none is ready, those that still serve while they terminate.
 * PROXY-2: the result does not depend on the order of the input.
 */
export function servicePorts(
  services: readonly DeepReadonly<Service>[],
  slices: readonly DeepReadonly<EndpointSlice>[],
  nodeName: string,
): ServicePort[] {
  const byService = Map.groupBy(
    slices,
    (slice) => `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME_LABEL]}`,
  );
  return services
    .filter(isProxied)
    .flatMap((service) => {
      const key = `${service.metadata.namespace}/${service.metadata.name}`;
      return portsOf(service, key, byService.get(key) ?? [], nodeName);
    })
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

/** Headless and ExternalName Services are DNS' business, and a label can hand a Service to another proxy. */
function isProxied(service: DeepReadonly<Service>): boolean {
  const { clusterIP, type } = service.spec;
  if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None' || type === 'ExternalName')
    return false;
  return service.metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined;
}

function portsOf(
  service: DeepReadonly<Service>,
  key: string,
  slices: readonly DeepReadonly<EndpointSlice>[],
  nodeName: string,
): ServicePort[] {
  const { spec, status } = service;
  const balancer = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
  const addresses = [spec.clusterIP ?? '', ...(spec.externalIPs ?? []), ...balancer];
  const isLocal = spec.externalTrafficPolicy === 'Local';
  return (spec.ports ?? []).map((port): ServicePort => {
    const endpoints = endpointsOf(slices, port.name ?? '', nodeName);
    const local = endpoints.filter((endpoint) => endpoint.isLocal);
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'];
    return {
      id: `${key}:${port.name ?? ''}/${protocol}/${port.port}`,
      protocol,
      port: port.port,
      addresses,
      nodePort: port.nodePort === 0 ? undefined : port.nodePort,
      affinitySeconds:
        spec.sessionAffinity === 'ClientIP'
          ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
          : undefined,
      internal: pick(spec.internalTrafficPolicy === 'Local' ? local : endpoints),
      external: pick(isLocal ? local : endpoints),
      keepsSource: isLocal,
    };
  });
}

interface Candidate extends Target {
  readonly isReady: boolean;
  readonly isServingWhileTerminating: boolean;
  readonly isLocal: boolean;
}

function endpointsOf(
  slices: readonly DeepReadonly<EndpointSlice>[],
  portName: string,
  nodeName: string,
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const port = slice.ports?.find(({ name }) => (name ?? '') === portName)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, nodeName: node } of slice.endpoints ?? []) {
      const address = addresses[0];
      if (address === undefined) continue;
      found.set(`${address}:${port}`, {
        address,
        port,
        // Unknown means ready, as the API defines it.
        isReady: conditions?.ready !== false,
        isServingWhileTerminating: conditions?.serving !== false && conditions?.terminating === true,
        isLocal: node === nodeName,
      });
    }
  }
  return [...found.values()];
}

function pick(candidates: readonly Candidate[]): Target[] {
  const ready = candidates.filter(({ isReady }) => isReady);
  const chosen =
    ready.length > 0 ? ready : candidates.filter((candidate) => candidate.isServingWhileTerminating);
  return chosen
    .map(({ address, port }) => ({ address, port }))
    .toSorted((a, b) => a.address.localeCompare(b.address) || a.port - b.port);
}
