import {
  type DiscoveryV1EndpointPort,
  type Endpoint,
  type EndpointSlice,
  hashOf,
  type Node,
  semanticEqual,
} from '@kubelab/api';
import { assert } from '@kubelab/component-base';
import {
  hostnameOf,
  isEndpointPod,
  isHeadless,
  podRef,
  resolvePorts,
  type SeenService,
  servingOf,
} from '../shared/endpoint-address.ts';
import { compareText, type Seen } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

export type SeenSlice = Seen<EndpointSlice>;

/** EPS-1: upstream's `--max-endpoints-per-slice`. */
export const ENDPOINTS_MAX = 100;

type AddressType = 'IPv4' | 'IPv6';

/** What a slice holds beside its metadata. */
export interface SliceContent {
  readonly addressType: string;
  readonly ports: readonly DiscoveryV1EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePlan {
  readonly create: readonly (SliceContent & { readonly name: string })[];
  readonly update: readonly { readonly slice: SeenSlice; readonly endpoints: readonly Endpoint[] }[];
  readonly remove: readonly SeenSlice[];
}

/**
 * Brings the slices of a Service in line with its pods while touching as few of them as can be: endpoints
 * stay in the
 * slice they are in, new ones fill slices that are written anyway, then those with room, then new slices.
 */
export function planSlices(
  service: SeenService,
  pods: readonly SeenPod[],
  nodes: (name: string) => Seen<Node> | undefined,
  slices: readonly SeenSlice[],
): SlicePlan {
  const plan = { create: [] as SlicePlan['create'][number][], update: [] as SlicePlan['update'][number][] };
  const wanted = wantedGroups(service, pods, nodes);
  const remove: SeenSlice[] = [];
  const groups = new Map<string, SeenSlice[]>();
  for (const slice of slices) {
    const key = groupKey(slice.addressType, slice.ports ?? []);
    if (wanted.has(key)) groups.set(key, [...(groups.get(key) ?? []), slice]);
    else remove.push(slice);
  }
  const taken = new Set(slices.map((slice) => slice.metadata.name));
  for (const [key, group] of wanted) {
    const outcome = planGroup(group, groups.get(key) ?? []);
    plan.update.push(...outcome.update);
    remove.push(...outcome.remove);
    for (const endpoints of outcome.create) {
      const name = freeName(service, taken);
      plan.create.push({ ...group, endpoints, name });
    }
  }
  return keepOneSlice(service, slices, { ...plan, remove });
}

/** A Service without pods keeps one empty slice, so that whoever looks sees that it was worked on. */
function keepOneSlice(service: SeenService, slices: readonly SeenSlice[], plan: SlicePlan): SlicePlan {
  const left = slices.length - plan.remove.length + plan.create.length;
  if (left > 0) return plan;
  const [kept, ...remove] = plan.remove;
  const empty = { addressType: addressTypeOf(service), ports: [] as DiscoveryV1EndpointPort[] };
  if (kept === undefined) {
    return { ...plan, create: [{ ...empty, endpoints: [], name: freeName(service, new Set()) }] };
  }
  const isEmpty = (kept.endpoints ?? []).length === 0;
  return { create: [], update: isEmpty ? [] : [{ slice: kept, endpoints: [] }], remove };
}

function planGroup(
  group: SliceContent,
  slices: readonly SeenSlice[],
): { create: Endpoint[][]; update: { slice: SeenSlice; endpoints: Endpoint[] }[]; remove: SeenSlice[] } {
  const missing = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const drafts = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const old of slice.endpoints ?? []) {
      const wanted = missing.get(identity(old));
      if (wanted === undefined) continue;
      missing.delete(identity(old));
      endpoints.push(wanted);
    }
    return { slice, endpoints, isChanged: !semanticEqual(endpoints, slice.endpoints ?? []) };
  });
  const waiting = [...missing.values()];
  for (const draft of drafts.toSorted((a, b) => Number(b.isChanged) - Number(a.isChanged))) {
    const room = ENDPOINTS_MAX - draft.endpoints.length;
    if (waiting.length === 0 || room <= 0) continue;
    draft.endpoints.push(...waiting.splice(0, room));
    draft.isChanged = true;
  }
  const create: Endpoint[][] = [];
  while (waiting.length > 0) create.push(waiting.splice(0, ENDPOINTS_MAX));
  for (const { endpoints } of drafts) assert(endpoints.length <= ENDPOINTS_MAX, 'EPS-1');
  return {
    create,
    update: drafts.filter((draft) => draft.isChanged && draft.endpoints.length > 0),
    remove: drafts.filter((draft) => draft.endpoints.length === 0).map(({ slice }) => slice),
  };
}

type Group = SliceContent & { readonly endpoints: Endpoint[] };

/**
 * Endpoints by what they share: address type and resolved ports (a named port may differ from pod to pod).
 */
function wantedGroups(
  service: SeenService,
  pods: readonly SeenPod[],
  nodes: (name: string) => Seen<Node> | undefined,
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!isEndpointPod(pod)) continue;
    const addressType: AddressType = (pod.status?.podIP ?? '').includes(':') ? 'IPv6' : 'IPv4';
    const ports = resolvePorts(service, pod);
    const key = groupKey(addressType, ports);
    const group: Group = groups.get(key) ?? { addressType, ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(service, pod, nodes));
  }
  for (const group of groups.values()) group.endpoints.sort((a, b) => compareText(identity(a), identity(b)));
  return groups;
}

function endpointOf(
  service: SeenService,
  pod: SeenPod,
  nodes: (name: string) => Seen<Node> | undefined,
): Endpoint {
  const hostname = hostnameOf(pod, service);
  const zone = nodes(pod.spec.nodeName ?? '')?.metadata.labels?.['topology.kubernetes.io/zone'];
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ...servingOf(pod, service) },
    ...(hostname === undefined ? {} : { hostname }),
    nodeName: pod.spec.nodeName,
    targetRef: podRef(pod),
    ...(zone === undefined ? {} : { zone }),
  };
}

function identity(endpoint: Seen<Endpoint>): string {
  return `${endpoint.addresses[0] ?? ''} ${endpoint.targetRef?.uid ?? ''}`;
}

function groupKey(addressType: string, ports: readonly Seen<DiscoveryV1EndpointPort>[]): string {
  const texts = ports.map(({ name = '', protocol = 'TCP', port = 0, appProtocol = '' }) =>
    [name, protocol, port, appProtocol].join(':'),
  );
  return [addressType, ...texts.sort()].join(' ');
}

function addressTypeOf(service: SeenService): AddressType {
  return service.spec.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
}

/**
 * EPS-2: a name that follows from the Service and a number, so that a cache that is behind cannot make the
 * same slice twice.
 */
function freeName(service: SeenService, taken: Set<string>): string {
  for (let number = 0; ; number++) {
    const suffix = hashOf([service.metadata.uid, number]).slice(0, 5);
    const name = `${service.metadata.name.slice(0, 57)}-${suffix}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';
export const MANAGER = 'endpointslice-controller.k8s.io';

export function sliceLabels(service: SeenService): Record<string, string> {
  const { [HEADLESS]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
  };
}

export function serviceNameOf(slice: SeenSlice): string | undefined {
  const labels = slice.metadata.labels ?? {};
  return labels[MANAGED_BY] === MANAGER ? labels[SERVICE_NAME] : undefined;
}
