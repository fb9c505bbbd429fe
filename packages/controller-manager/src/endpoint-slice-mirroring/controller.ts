/**
 * EndpointSlice mirroring controller — Endpoints that somebody made by hand, for a Service without a
 * selector, appear as slices,
 * because slices are all that proxies and DNS look at.
 * Reads: endpoints, services, endpointslices (cache).  Writes: endpointslices.
 * Invariants
 *   EPM-1  only Endpoints of a Service without a selector are mirrored, and never those a controller keeps
 */
import {
  type Endpoint,
  Endpoints,
  EndpointSlice,
  type EndpointSubset,
  hashOf,
  newControllerRef,
  type NewObject,
  semanticEqual,
  Service,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import type { Seen } from '../shared/objects.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { hasSelector } from '../shared/service-watch.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { enqueueSelf, onAny } from '../shared/watching.ts';
import { deleteSeen } from '../shared/writes.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror';
const KEPT_BY = 'endpoints.kubernetes.io/managed-by';
const ADDRESSES_MAX = 1000;
const BY_NAME = 'mirrored';

export function endpointSliceMirroringController({ client, informers }: ControllerDeps): ControllerSpec {
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const slices = informers.of(EndpointSlice);
  slices.addIndex(BY_NAME, (slice) => {
    const labels = slice.metadata.labels ?? {};
    return labels[MANAGED_BY] === MANAGER ? [`${slice.metadata.namespace}/${labels[SERVICE_NAME]}`] : [];
  });

  return {
    name: 'endpointslicemirroring',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(services, enqueue);
      enqueueSelf(endpoints, enqueue);
      onAny(slices, (slice) => {
        const { [MANAGED_BY]: manager, [SERVICE_NAME]: name } = slice.metadata.labels ?? {};
        if (manager === MANAGER) enqueue(`${slice.metadata.namespace}/${name}`);
      });
    },
    async reconcile(key) {
      const service = services.get(key);
      const source = endpoints.get(key);
      const own = slices.byIndex(BY_NAME, key);
      const wanted = source === undefined || !isMirrored(source, service) ? [] : mirror(source);
      const missing = new Map(wanted.map((slice) => [slice.metadata.name, slice]));
      try {
        await allOrThrow(
          own.map(async (slice) => {
            const want = missing.get(slice.metadata.name);
            missing.delete(slice.metadata.name);
            if (want === undefined || want.addressType !== slice.addressType)
              await deleteSeen(client, EndpointSlice, slice);
            else if (
              !semanticEqual(want.endpoints, slice.endpoints) ||
              !semanticEqual(want.ports, slice.ports)
            ) {
              await client.update(EndpointSlice, { ...slice, endpoints: want.endpoints, ports: want.ports });
            }
          }),
        );
        await allOrThrow([...missing.values()].map((slice) => client.create(EndpointSlice, slice)));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
      return done;
    },
  };
}

/** EPM-1. */
function isMirrored(source: Seen<Endpoints>, service: Seen<Service> | undefined): boolean {
  if (service === undefined || hasSelector(service)) return false;
  const { labels = {}, annotations = {} } = source.metadata;
  const isElected = annotations['control-plane.alpha.kubernetes.io/leader'] !== undefined;
  return labels[SKIP_MIRROR] !== 'true' && labels[KEPT_BY] === undefined && !isElected;
}

type MirrorSlice = NewObject<EndpointSlice> & { metadata: { name: string } };

/**
 * One slice a subset and address family, named after both, so that the same Endpoints always give the same
 * slices.
 */
function mirror(source: Seen<Endpoints>): MirrorSlice[] {
  const { name, namespace, labels } = source.metadata;
  return (source.subsets ?? []).flatMap((subset, index) =>
    (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
      const found = endpointsOf(subset).filter(
        ({ addresses: [ip = ''] }) => ip.includes(':') === (addressType === 'IPv6'),
      );
      if (found.length === 0) return [];
      const suffix = hashOf([source.metadata.uid, index, addressType]).slice(0, 5);
      return {
        metadata: {
          name: `${name.slice(0, 57)}-${suffix}`,
          namespace,
          labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
          ownerReferences: [newControllerRef(source, Endpoints)],
        },
        addressType,
        endpoints: found.slice(0, ADDRESSES_MAX),
        ports: (subset.ports ?? []).map(({ name: portName = '', ...port }) => ({ name: portName, ...port })),
      };
    }),
  );
}

function endpointsOf(subset: Seen<EndpointSubset>): Endpoint[] {
  const toEndpoint =
    (isReady: boolean) =>
    (address: NonNullable<Seen<EndpointSubset>['addresses']>[number]): Endpoint => ({
      addresses: [address.ip],
      conditions: { ready: isReady },
      ...(address.hostname === undefined ? {} : { hostname: address.hostname }),
      ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
      ...(address.targetRef === undefined ? {} : { targetRef: { ...address.targetRef } }),
    });
  return [
    ...(subset.addresses ?? []).map(toEndpoint(true)),
    ...(subset.notReadyAddresses ?? []).map(toEndpoint(false)),
  ];
}
