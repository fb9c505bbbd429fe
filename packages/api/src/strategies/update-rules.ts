/** How PUT treats what is missing: the object itself, or its resourceVersion. */
import { type NamedResource, qualifiedResource } from '../errors.ts';

/** PUT of a missing object creates it. */
const CREATED_BY_UPDATE = new Set([
  'endpoints',
  'events',
  'events.events.k8s.io',
  'limitranges',
  'services',
  'leases.coordination.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
]);

/** PUT must say which version it replaces. */
const NEEDS_RESOURCE_VERSION = new Set([
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'leases.coordination.k8s.io',
  'runtimeclasses.node.k8s.io',
  'poddisruptionbudgets.policy',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
]);

export function allowsCreateOnUpdate(rt: NamedResource): boolean {
  return CREATED_BY_UPDATE.has(qualifiedResource(rt));
}

/** False: a PUT without resourceVersion is refused as `must be specified for an update`. */
export function allowsUnconditionalUpdate(rt: NamedResource): boolean {
  return !NEEDS_RESOURCE_VERSION.has(qualifiedResource(rt));
}
