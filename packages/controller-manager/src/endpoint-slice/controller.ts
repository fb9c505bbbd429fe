/**
 * EndpointSlice controller — keeps the slices of a Service with a selector: which addresses answer it, and
 * whether they may be sent to.
 * Reads: services, pods, nodes, endpointslices (cache).  Writes: endpointslices.
 * Invariants
 *   EPS-1  at most ENDPOINTS_MAX endpoints a slice
 *   EPS-2  a new slice's name follows from the Service and a number: a cache that is behind cannot make the
 *          same slice twice
 */
import { EndpointSlice, newControllerRef, Node, objectKey, Pod, semanticEqual, Service } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import type { SeenService } from '../shared/endpoint-address.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { hasSelector, podsOfService, watchServicesAndPods } from '../shared/service-watch.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { deleteSeen } from '../shared/writes.ts';
import { planSlices, type SeenSlice, serviceNameOf, sliceLabels, type SlicePlan } from './plan.ts';

const BY_SERVICE = 'service';
const WORKERS = 5;

export function endpointSliceController({ client, informers }: ControllerDeps): ControllerSpec {
  const services = informers.of(Service);
  const pods = informers.of(Pod);
  const nodes = informers.of(Node);
  const slices = informers.of(EndpointSlice);
  const serviceKeyOf = (slice: SeenSlice) =>
    objectKey({ metadata: { namespace: slice.metadata.namespace, name: serviceNameOf(slice) } });
  slices.addIndex(BY_SERVICE, (slice) => (serviceNameOf(slice) === undefined ? [] : [serviceKeyOf(slice)]));

  return {
    name: 'endpointslice',
    workers: WORKERS,
    watch(enqueue) {
      watchServicesAndPods(services, pods, enqueue);
      const wake = (slice: SeenSlice) => serviceNameOf(slice) !== undefined && enqueue(serviceKeyOf(slice));
      slices.addHandler({
        onAdd: wake,
        onUpdate: (old, slice) => {
          wake(slice);
          if (serviceNameOf(old) !== serviceNameOf(slice)) wake(old);
        },
        onDelete: wake,
      });
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const service = services.get(key);
    const own = slices
      .byIndex(BY_SERVICE, key)
      .filter((slice) => slice.metadata.deletionTimestamp === undefined);
    if (service === undefined) {
      await allOrThrow(own.map((slice) => deleteSeen(client, EndpointSlice, slice)));
      return done;
    }
    if (!hasSelector(service) || service.spec.type === 'ExternalName') return done;
    const plan = planSlices(service, podsOfService(service, pods), (name) => nodes.get(name), own);
    await carryOut(service, plan, own);
    return done;
  }

  async function carryOut(service: SeenService, plan: SlicePlan, own: readonly SeenSlice[]): Promise<void> {
    const labels = sliceLabels(service);
    const updated = new Set(plan.update.map(({ slice }) => slice));
    const relabel = own.filter(
      (slice) =>
        !updated.has(slice) && !plan.remove.includes(slice) && !semanticEqual(slice.metadata.labels, labels),
    );
    const write = (slice: SeenSlice, endpoints: SeenSlice['endpoints']) =>
      client.update(EndpointSlice, { ...slice, metadata: { ...slice.metadata, labels }, endpoints });
    try {
      await allOrThrow([
        ...plan.update.map(({ slice, endpoints }) => write(slice, endpoints)),
        ...relabel.map((slice) => write(slice, slice.endpoints)),
        ...plan.create.map((slice) => create(service, labels, slice)),
      ]);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      throw error;
    }
    await allOrThrow(plan.remove.map((slice) => deleteSeen(client, EndpointSlice, slice)));
  }

  async function create(
    service: SeenService,
    labels: Record<string, string>,
    { name, addressType, ports, endpoints }: SlicePlan['create'][number],
  ): Promise<void> {
    const { namespace } = service.metadata;
    const ownerReferences = [newControllerRef(service, Service)];
    const metadata = { name, namespace, labels, ownerReferences };
    await client.create(EndpointSlice, {
      metadata,
      addressType,
      ports: [...ports],
      endpoints: [...endpoints],
    });
  }
}
