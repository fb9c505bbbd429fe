/**
 * Cluster DNS controller — keeps the Service kube-system/kube-dns and says which nodes answer it. In kubelab
 * DNS runs on every node
 * (upstream runs it as a Deployment), so the endpoints are nodes.
 * Reads: nodes, kube-system's services, endpoints and endpointslices of that name (cache).  Writes: those.
 * Invariants
 *   DNS-1  endpoints are exactly the InternalIPs of the Ready nodes
 */
import { Endpoints, EndpointSlice, newControllerRef, Node, semanticEqual, Service } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import type { Seen } from '../shared/objects.ts';
import { onAny } from '../shared/watching.ts';
import { ifFree } from '../shared/writes.ts';
import { dnsEndpoints, dnsPorts, dnsService, dnsSubsets, NAME, NAMESPACE } from './plan.ts';

const KEY = `${NAMESPACE}/${NAME}`;
const LABELS = {
  'kubernetes.io/service-name': NAME,
  'endpointslice.kubernetes.io/managed-by': 'cluster-dns-controller.kubelab',
};

export function clusterDnsController(
  { client, informers }: ControllerDeps,
  { clusterIp }: { readonly clusterIp: string },
): ControllerSpec {
  const only = { namespace: NAMESPACE, fieldSelector: `metadata.name=${NAME}` };
  const nodes = informers.of(Node);
  const services = informers.filtered(Service, only);
  const endpoints = informers.filtered(Endpoints, only);
  const slices = informers.filtered(EndpointSlice, only);

  return {
    name: 'cluster-dns',
    workers: 1,
    watch(enqueue) {
      enqueue(KEY);
      onAny(nodes, () => enqueue(KEY));
      onAny(services, () => enqueue(KEY));
      onAny(endpoints, () => enqueue(KEY));
      onAny(slices, () => enqueue(KEY));
    },
    async reconcile() {
      const service =
        services.get(KEY) ?? (await ifFree(() => client.create(Service, dnsService(clusterIp))));
      // Somebody else's Service of that name (an add-on with pods of its own) is left to them.
      if (service === undefined || service.spec.selector !== undefined) return done;
      await writeSlice(service);
      await writeEndpoints();
      return done;
    },
  };

  async function writeSlice(service: Seen<Service>): Promise<void> {
    const wanted = dnsEndpoints(nodes.list());
    const found = slices.get(KEY);
    if (found !== undefined) {
      if (semanticEqual(found.endpoints, wanted)) return;
      await client.update(EndpointSlice, { ...found, endpoints: wanted });
      return;
    }
    const ownerReferences = [newControllerRef(service, Service)];
    const metadata = { namespace: NAMESPACE, name: NAME, labels: LABELS, ownerReferences };
    const ports = dnsPorts.map((port) => ({ ...port }));
    await ifFree(() =>
      client.create(EndpointSlice, { metadata, addressType: 'IPv4', ports, endpoints: wanted }),
    );
  }

  async function writeEndpoints(): Promise<void> {
    const subsets = dnsSubsets(dnsEndpoints(nodes.list()));
    const found = endpoints.get(KEY);
    if (found === undefined) {
      const metadata = {
        namespace: NAMESPACE,
        name: NAME,
        labels: { 'endpoints.kubernetes.io/managed-by': 'cluster-dns-controller' },
      };
      await ifFree(() => client.create(Endpoints, { metadata, subsets }));
    } else if (!semanticEqual(found.subsets, subsets)) {
      await client.update(Endpoints, { ...found, subsets });
    }
  }
}
