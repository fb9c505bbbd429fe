import type { EndpointAddress, EndpointPort, EndpointSubset } from '@kubelab/api';
import {
  hostnameOf,
  isEndpointPod,
  isHeadless,
  podRef,
  type ResolvedPort,
  resolvePorts,
  type SeenService,
  servingOf,
} from '../shared/endpoint-address.ts';
import { compareText } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

/** More addresses than this are left out of Endpoints (EndpointSlices have them all). */
export const ADDRESSES_MAX = 1000;

/**
 * The subsets of a Service: addresses that answer the same ports together, sorted, so that the same pods
 * always give the
 * same object. Pods that are going are left out unless the Service publishes addresses that are not ready.
 */
export function planSubsets(service: SeenService, pods: readonly SeenPod[]): EndpointSubset[] {
  const groups = new Map<
    string,
    { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }
  >();
  for (const pod of pods) {
    if (!isEndpointPod(pod)) continue;
    const { ready, terminating } = servingOf(pod, service);
    if (terminating && service.spec.publishNotReadyAddresses !== true) continue;
    const ports = endpointPorts(service, pod);
    if (ports === undefined) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (ready ? group.ready : group.notReady).push(addressOf(service, pod));
  }
  return [...groups.entries()]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.toSorted(byIp) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.toSorted(byIp) }),
      ...(ports.length === 0 ? {} : { ports }),
    }));
}

/** Undefined: the pod answers none of the ports. A headless Service may have none to answer. */
function endpointPorts(service: SeenService, pod: SeenPod): EndpointPort[] | undefined {
  const ports = resolvePorts(service, pod);
  if (ports.length === 0 && !((service.spec.ports ?? []).length === 0 && isHeadless(service)))
    return undefined;
  return ports.map(({ name, ...port }: ResolvedPort) => (name === '' ? port : { name, ...port }));
}

function addressOf(service: SeenService, pod: SeenPod): EndpointAddress {
  const hostname = hostnameOf(pod, service);
  return {
    ip: pod.status?.podIP ?? '',
    ...(hostname === undefined ? {} : { hostname }),
    nodeName: pod.spec.nodeName,
    targetRef: podRef(pod),
  };
}

function byIp(a: EndpointAddress, b: EndpointAddress): number {
  return compareText(a.ip, b.ip) || compareText(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '');
}

/** Keeps ready addresses first when there are too many. Answers whether something was left out. */
export function truncate(subsets: readonly EndpointSubset[]): {
  subsets: EndpointSubset[];
  isOverCapacity: boolean;
} {
  let left = ADDRESSES_MAX;
  const take = <T>(items: readonly T[] | undefined): T[] => {
    const taken = (items ?? []).slice(0, left);
    left -= taken.length;
    return taken;
  };
  const total = subsets.reduce(
    (n, s) => n + (s.addresses?.length ?? 0) + (s.notReadyAddresses?.length ?? 0),
    0,
  );
  if (total <= ADDRESSES_MAX) return { subsets: [...subsets], isOverCapacity: false };
  const withReady = subsets.map((subset) => ({ subset, addresses: take(subset.addresses) }));
  const all = withReady.map(({ subset, addresses }) => ({
    ...subset,
    addresses,
    notReadyAddresses: take(subset.notReadyAddresses),
  }));
  return {
    subsets: all.filter((s) => s.addresses.length + s.notReadyAddresses.length > 0),
    isOverCapacity: true,
  };
}
