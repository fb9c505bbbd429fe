import { EndpointSlice, Namespace, Service } from '@kubelab/api';
import type { InformerFactory } from '@kubelab/client';
import type { ClusterView } from './core/zone.ts';

const BY_SERVICE = 'service';
const BY_ADDRESS = 'address';
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** The zone's view of the cluster from caches, with the index for reverse names. */
export function clusterView(
  informers: InformerFactory,
  domain: string,
): ClusterView & { reverse(address: string): string | undefined } {
  const services = informers.of(Service);
  const slices = informers.of(EndpointSlice);
  const namespaces = informers.of(Namespace);
  services.addIndex(BY_ADDRESS, ({ spec }) =>
    spec.clusterIP === undefined || spec.clusterIP === 'None' ? [] : [spec.clusterIP],
  );
  slices.addIndex(BY_SERVICE, ({ metadata }) => [
    `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME_LABEL]}`,
  ]);
  slices.addIndex(BY_ADDRESS, ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));

  return {
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, service) => slices.byIndex(BY_SERVICE, `${namespace}/${service}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    reverse(address) {
      const service = services.byIndex(BY_ADDRESS, address)[0];
      if (service !== undefined)
        return `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
      for (const { metadata, endpoints } of slices.byIndex(BY_ADDRESS, address)) {
        const owner = metadata.labels?.[SERVICE_NAME_LABEL];
        const headless = owner === undefined ? undefined : services.get(`${metadata.namespace}/${owner}`);
        const endpoint = endpoints?.find(({ addresses }) => addresses.includes(address));
        if (headless?.spec.clusterIP !== 'None' || endpoint === undefined) continue;
        return `${endpoint.hostname ?? address.replaceAll('.', '-')}.${owner}.${metadata.namespace}.svc.${domain}`;
      }
      return undefined;
    },
  };
}
