import type { EndpointSlice, Service } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';

/** What the cluster knows of names: looked up per question, so nothing is kept twice. */
export interface ClusterView {
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  hasNamespace(name: string): boolean;
}

export interface ZoneOptions {
  /** `cluster.local` */
  readonly domain: string;
  /** Seconds; CoreDNS' default for the cluster zone is 5. */
  readonly ttl: number;
}

export type DnsRecord =
  | { readonly type: 'A'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly ttl: number;
      readonly data: {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      };
    };

/** `unknown` is NXDOMAIN; no records is "the name exists, but not with this type"; `elsewhere` is not this zone's. */
export type ZoneAnswer =
  | {
      readonly kind: 'answer';
      readonly records: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'elsewhere' };

const UNKNOWN: ZoneAnswer = { kind: 'unknown' };
const ELSEWHERE: ZoneAnswer = { kind: 'elsewhere' };

/**
 * Answers by the Kubernetes DNS specification (version 1.1.0): Services, their named ports, the endpoints of headless ones, pods by
 * address. DNS-1: names are compared without regard to case. DNS-2: only ready endpoints are answered, unless the Service publishes others.
 */
export function answerFromZone(
  view: ClusterView,
  { domain, ttl }: ZoneOptions,
  question: string,
  type: string,
): ZoneAnswer {
  const name = question.toLowerCase().replace(/\.$/, '');
  if (name === domain) return records([]);
  if (!name.endsWith(`.${domain}`)) return ELSEWHERE;
  const labels = name.slice(0, -domain.length - 1).split('.');
  if (labels.length === 1 && labels[0] === 'dns-version') {
    return records(type === 'TXT' ? [{ type: 'TXT', name, ttl, data: '1.1.0' }] : []);
  }
  switch (labels.at(-1)) {
    case 'svc':
      return answerService(view, { domain, ttl }, labels.slice(0, -1), name, type);
    case 'pod':
      return answerPod(view, ttl, labels.slice(0, -1), name, type);
    default:
      return UNKNOWN;
  }
}

function records(list: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): ZoneAnswer {
  return { kind: 'answer', records: list, additionals };
}

function answerService(
  view: ClusterView,
  options: ZoneOptions,
  labels: readonly string[],
  name: string,
  type: string,
): ZoneAnswer {
  const namespace = labels.at(-1);
  if (namespace === undefined) return records([]);
  const serviceName = labels.at(-2);
  if (serviceName === undefined) return view.hasNamespace(namespace) ? records([]) : UNKNOWN;
  const service = view.service(namespace, serviceName);
  if (service === undefined) return UNKNOWN;
  const rest = labels.slice(0, -2);
  if (service.spec.type === 'ExternalName') {
    if (rest.length > 0) return UNKNOWN;
    return records([{ type: 'CNAME', name, ttl: options.ttl, data: service.spec.externalName ?? '' }]);
  }
  const context: ServiceContext = {
    view,
    options,
    service,
    name,
    type,
    base: `${serviceName}.${namespace}.svc.${options.domain}`,
  };
  if (rest.length === 0) return answerAddresses(context);
  if (rest.length === 2 && rest[0]?.startsWith('_') === true && rest[1]?.startsWith('_') === true) {
    return answerPort(context, rest[0].slice(1), rest[1].slice(1));
  }
  return rest.length === 1 ? answerEndpoint(context, rest[0] ?? '') : UNKNOWN;
}

interface ServiceContext {
  readonly view: ClusterView;
  readonly options: ZoneOptions;
  readonly service: DeepReadonly<Service>;
  readonly name: string;
  readonly type: string;
  readonly base: string;
}

function answerAddresses(context: ServiceContext): ZoneAnswer {
  const { service, name, type, options } = context;
  if (isHeadless(service)) {
    const addresses = [...new Set(endpointsOf(context).map(({ address }) => address))];
    if (addresses.length === 0) return UNKNOWN;
    return records(
      type === 'A' ? addresses.map((data) => ({ type: 'A', name, ttl: options.ttl, data }) as const) : [],
    );
  }
  return records(
    type === 'A' ? [{ type: 'A', name, ttl: options.ttl, data: service.spec.clusterIP ?? '' }] : [],
  );
}

/** `_http._tcp.web.default.svc…`: where the port is. */
function answerPort(context: ServiceContext, portName: string, protocol: string): ZoneAnswer {
  const { service, name, type, base, options } = context;
  const { ttl } = options;
  const target = (port: number, host: string, weight: number): DnsRecord => {
    return { type: 'SRV', name, ttl, data: { priority: 0, weight, port, target: host } };
  };
  if (isHeadless(service)) {
    const endpoints = endpointsOf(context).filter(
      (each) => each.portName === portName && each.protocol === protocol,
    );
    if (endpoints.length === 0) return UNKNOWN;
    if (type !== 'SRV') return records([]);
    const weight = Math.max(1, Math.floor(100 / endpoints.length));
    return records(
      endpoints.map(({ label, port }) => target(port, `${label}.${base}`, weight)),
      endpoints.map(({ label, address }) => ({ type: 'A', name: `${label}.${base}`, ttl, data: address })),
    );
  }
  const port = service.spec.ports?.find(
    (each) => each.name === portName && (each.protocol ?? 'TCP').toLowerCase() === protocol,
  );
  if (port === undefined) return UNKNOWN;
  if (type !== 'SRV') return records([]);
  return records(
    [target(port.port, base, 100)],
    [{ type: 'A', name: base, ttl, data: service.spec.clusterIP ?? '' }],
  );
}

/** `web-0.web.default.svc…`: one endpoint of a headless Service, by its host name or its address with dashes. */
function answerEndpoint(context: ServiceContext, label: string): ZoneAnswer {
  const { service, name, type, options } = context;
  if (!isHeadless(service)) return UNKNOWN;
  const addresses = [
    ...new Set(endpointsOf(context).flatMap((each) => (each.label === label ? [each.address] : []))),
  ];
  if (addresses.length === 0) return UNKNOWN;
  return records(
    type === 'A' ? addresses.map((data) => ({ type: 'A', name, ttl: options.ttl, data }) as const) : [],
  );
}

/** `10-244-1-3.default.pod…` is that address, as CoreDNS' `pods insecure` has it. */
function answerPod(
  view: ClusterView,
  ttl: number,
  labels: readonly string[],
  name: string,
  type: string,
): ZoneAnswer {
  const [dashed = '', namespace = ''] = labels;
  const address = dashed.replaceAll('-', '.');
  if (labels.length !== 2 || !view.hasNamespace(namespace) || !/^\d{1,3}(\.\d{1,3}){3}$/.test(address))
    return UNKNOWN;
  return records(type === 'A' ? [{ type: 'A', name, ttl, data: address }] : []);
}

function isHeadless(service: DeepReadonly<Service>): boolean {
  return service.spec.clusterIP === 'None';
}

interface NamedEndpoint {
  readonly label: string;
  readonly address: string;
  readonly port: number;
  readonly portName: string;
  readonly protocol: string;
}

function endpointsOf({ view, service }: ServiceContext): NamedEndpoint[] {
  const { namespace = '', name } = service.metadata;
  const all = service.spec.publishNotReadyAddresses === true;
  return view.slices(namespace, name).flatMap(({ addressType, endpoints, ports }) => {
    const ready =
      addressType === 'IPv4'
        ? (endpoints ?? []).filter(({ conditions }) => all || conditions?.ready !== false)
        : [];
    // An endpoint counts even where the Service names no port.
    const known =
      ports === undefined || ports.length === 0 ? [{ name: '', port: 0, protocol: 'TCP' }] : ports;
    return ready.flatMap(({ addresses, hostname }) =>
      known.map((port) => ({
        label: hostname ?? (addresses[0] ?? '').replaceAll('.', '-'),
        address: addresses[0] ?? '',
        port: port.port ?? 0,
        portName: port.name ?? '',
        protocol: (port.protocol ?? 'TCP').toLowerCase(),
      })),
    );
  });
}

/** PTR: the name behind a ClusterIP or an endpoint of a headless Service, given by the caller's indexes. */
export function reverseName(question: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.?$/i.exec(question);
  return match === null ? undefined : `${match[4]}.${match[3]}.${match[2]}.${match[1]}`;
}
