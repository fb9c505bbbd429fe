import { errors, Namespace } from '@kubelab/api';
import type { Lookup } from '../registry/lookup.ts';
import { type AdmissionPlugin, type Attributes, isCore } from './plugin.ts';

/** These the cluster cannot do without. */
const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

/**
 * Nothing is created in a namespace that is not there, or on its way out; the system's own namespaces stay.
 */
export function namespaceLifecycle(lookup: Lookup): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async admit(attributes) {
      const { operation, namespace, resource } = attributes;
      if (isCore(attributes, 'namespaces')) {
        if (operation === 'DELETE' && IMMORTAL.has(attributes.name)) {
          throw errors.forbidden(resource, attributes.name, 'this namespace may not be deleted');
        }
        return;
      }
      if (!resource.namespaced || operation !== 'CREATE') return;
      const found = lookup.get(Namespace, namespace) ?? (await lookup.fresh(Namespace, namespace));
      if (found === undefined) throw errors.notFound(Namespace, namespace);
      if (found.metadata.deletionTimestamp !== undefined) throw terminating(attributes);
    },
  };
}

const TERMINATING = 'NamespaceTerminating';

function terminating({ resource, name, namespace }: Attributes): Error {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  return errors.forbidden(resource, name, why, [
    { reason: TERMINATING, message, field: 'metadata.namespace' },
  ]);
}
