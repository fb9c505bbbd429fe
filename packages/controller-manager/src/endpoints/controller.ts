/**
 * Endpoints controller — keeps the Endpoints of a Service with a selector: the older, single-object form of
 * EndpointSlices.
 * Reads: services, pods, endpoints (cache).  Writes: endpoints.
 */
import { Endpoints, isStatus, Pod, semanticEqual, Service } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import { isHeadless, type SeenService } from '../shared/endpoint-address.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { hasSelector, podsOfService, watchServicesAndPods } from '../shared/service-watch.ts';
import { enqueueSelf } from '../shared/watching.ts';
import { deleteSeen } from '../shared/writes.ts';
import { planSubsets, truncate } from './plan.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const WORKERS = 5;

export function endpointsController({ client, informers, events }: ControllerDeps): ControllerSpec {
  const services = informers.of(Service);
  const pods = informers.of(Pod);
  const endpoints = informers.of(Endpoints);

  return {
    name: 'endpoint',
    workers: WORKERS,
    watch(enqueue) {
      watchServicesAndPods(services, pods, enqueue);
      // Also for our own writes: a pass that began before its cache showed the last one may have seen nothing to do.
      enqueueSelf(endpoints, enqueue);
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const service = services.get(key);
    const found = endpoints.get(key);
    if (service === undefined) {
      // Only what we made: Endpoints of the same name may be somebody's own.
      if (found?.metadata.labels?.[MANAGED_BY] === MANAGER) await deleteSeen(client, Endpoints, found);
      return done;
    }
    if (!hasSelector(service) || service.spec.type === 'ExternalName') return done;
    const { subsets, isOverCapacity } = truncate(planSubsets(service, podsOfService(service, pods)));
    const labels = labelsFor(service);
    const annotations = isOverCapacity ? { [OVER_CAPACITY]: 'truncated' } : {};
    const isSame =
      semanticEqual(found?.subsets ?? [], subsets) &&
      semanticEqual(found?.metadata.labels, labels) &&
      semanticEqual(found?.metadata.annotations ?? {}, annotations);
    if (found !== undefined && isSame) return done;
    const { name, namespace } = service.metadata;
    try {
      if (found === undefined)
        await client.create(Endpoints, { metadata: { name, namespace, labels, annotations }, subsets });
      else
        await client.update(Endpoints, {
          ...found,
          metadata: { ...found.metadata, labels, annotations },
          subsets,
        });
    } catch (error) {
      if (isNamespaceTerminating(error)) return done;
      const about = { apiVersion: 'v1', kind: 'Service', metadata: service.metadata };
      const what = found === undefined ? 'create' : 'update';
      if (!isStatus(error, 'Conflict', 'AlreadyExists')) {
        const reason = found === undefined ? 'FailedToCreateEndpoint' : 'FailedToUpdateEndpoint';
        events.event(about, 'Warning', reason, `Failed to ${what} endpoint ${key}: ${String(error)}`);
      }
      throw error;
    }
    return done;
  }
}

function labelsFor(service: SeenService): Record<string, string> {
  return {
    ...service.metadata.labels,
    [MANAGED_BY]: MANAGER,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
  };
}
