/** Services and what stands behind them. */
import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from '../generated/types.ts';
import { formatLabelSelector } from '../selectors/labels.ts';
import { ageOf } from './age.ts';
import { columns, joined, labelsText, NONE, type TablePrinter, UNSET } from './table.ts';

export const servicePrinter: TablePrinter<Service> = {
  columns: columns('Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', '|Selector'),
  cells: (service, nowMs) => [
    service.metadata.name,
    service.spec.type ?? '',
    service.spec.clusterIPs?.[0] || service.spec.clusterIP || NONE,
    externalIp(service),
    joined(servicePorts(service)),
    ageOf(service.metadata.creationTimestamp, nowMs),
    labelsText(service.spec.selector),
  ],
};

function externalIp({ spec, status }: Service): string {
  if (spec.type === 'ExternalName') return spec.externalName ?? '';
  const external = spec.externalIPs ?? [];
  if (spec.type !== 'LoadBalancer') return joined(external);
  const balancer = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
  const all = [...balancer, ...external].filter((address) => address !== '');
  return all.length > 0 ? all.join(',') : '<pending>';
}

/** `80/TCP`, `80:30080/TCP`. */
function servicePorts({ spec }: Service): string[] {
  return (spec.ports ?? []).map(({ port, nodePort, protocol }) => {
    return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
  });
}

const SHOWN_MAX = 3;

/** The first three, and how many more. */
function shortened(values: readonly string[], empty: string): string {
  if (values.length === 0) return empty;
  const more = values.length - SHOWN_MAX;
  return values.slice(0, SHOWN_MAX).join(',') + (more > 0 ? ` + ${more} more...` : '');
}

export const endpointsPrinter: TablePrinter<Endpoints> = {
  columns: columns('Name', 'Endpoints', 'Age'),
  cells: ({ metadata, subsets }, nowMs) => {
    const all = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
      if (ports.length === 0) return addresses.map(({ ip }) => ip);
      return ports.flatMap(({ port }) => addresses.map(({ ip }) => `${bracketed(ip)}:${port}`));
    });
    return [metadata.name, shortened(all, NONE), ageOf(metadata.creationTimestamp, nowMs)];
  },
};

function bracketed(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}

export const endpointSlicePrinter: TablePrinter<EndpointSlice> = {
  columns: columns('Name', 'AddressType', 'Ports', 'Endpoints', 'Age'),
  cells: ({ metadata, addressType, ports, endpoints }, nowMs) => [
    metadata.name,
    addressType,
    shortened(
      (ports ?? []).map(({ port }) => String(port ?? '*')),
      UNSET,
    ),
    shortened(
      (endpoints ?? []).flatMap(({ addresses }) => addresses),
      UNSET,
    ),
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const ingressPrinter: TablePrinter<Ingress> = {
  columns: columns('Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'),
  cells: ({ metadata, spec, status }, nowMs) => {
    const hosts = (spec?.rules ?? []).map(({ host }) => host).filter((host): host is string => Boolean(host));
    const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
    return [
      metadata.name,
      spec?.ingressClassName ?? NONE,
      hosts.length > 0 ? shortened(hosts, '') : '*',
      addresses.join(','),
      (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      ageOf(metadata.creationTimestamp, nowMs),
    ];
  },
};

export const ingressClassPrinter: TablePrinter<IngressClass> = {
  columns: columns('Name', 'Controller', 'Parameters', 'Age'),
  cells: ({ metadata, spec }, nowMs) => {
    const parameters = spec?.parameters;
    const kind = [parameters?.kind, parameters?.apiGroup].filter(Boolean).join('.');
    return [
      metadata.name,
      spec?.controller ?? '',
      parameters === undefined ? NONE : `${kind}/${parameters.name}`,
      ageOf(metadata.creationTimestamp, nowMs),
    ];
  },
};

export const networkPolicyPrinter: TablePrinter<NetworkPolicy> = {
  columns: columns('Name', 'Pod-Selector', 'Age'),
  cells: ({ metadata, spec }, nowMs) => [
    metadata.name,
    formatLabelSelector(spec?.podSelector ?? {}),
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const serviceCidrPrinter: TablePrinter<ServiceCIDR> = {
  columns: columns('Name', 'CIDRs', 'Age'),
  cells: ({ metadata, spec }, nowMs) => [
    metadata.name,
    (spec?.cidrs ?? []).join(','),
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const ipAddressPrinter: TablePrinter<IPAddress> = {
  columns: columns('Name', 'ParentRef', 'Age'),
  cells: ({ metadata, spec }, nowMs) => {
    const parent = spec?.parentRef;
    const words = [parent?.resource, parent?.group].filter(Boolean).join('.');
    const path = [words, parent?.namespace, parent?.name].filter(Boolean).join('/');
    return [metadata.name, path || NONE, ageOf(metadata.creationTimestamp, nowMs)];
  },
};
