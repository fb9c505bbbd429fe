/**
 * What the published description does not say about a resource: whether kubelab serves it, the short names
 * people type, and the categories (`kubectl get all`). Names are upstream's.
 */

/**
 * `group/version` pairs of the description that are left out, with the reason. Alpha and beta versions are
 * never served.
 */
export const GROUP_VERSIONS_NOT_SERVED: ReadonlyMap<string, string> = new Map([
  ['autoscaling/v1', 'horizontalpodautoscalers are stored as autoscaling/v2; v1 would need a conversion'],
  ['events.k8s.io/v1', 'events are stored as core/v1; this version would need a conversion'],
  ['apiextensions.k8s.io/v1', 'a CustomResourceDefinition that serves nothing must not be advertised'],
  ['apiregistration.k8s.io/v1', 'an APIService that aggregates nothing must not be advertised'],
]);

/** Plural names left out of groups that are served otherwise. */
export const RESOURCES_NOT_SERVED: ReadonlyMap<string, string> = new Map([
  ['componentstatuses', 'deprecated upstream, and not backed by storage'],
]);

/** Short names by `group/plural` (core: plural alone). */
export const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  configmaps: ['cm'],
  endpoints: ['ep'],
  events: ['ev'],
  limitranges: ['limits'],
  namespaces: ['ns'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  pods: ['po'],
  replicationcontrollers: ['rc'],
  resourcequotas: ['quota'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  'apps/daemonsets': ['ds'],
  'apps/deployments': ['deploy'],
  'apps/replicasets': ['rs'],
  'apps/statefulsets': ['sts'],
  'autoscaling/horizontalpodautoscalers': ['hpa'],
  'batch/cronjobs': ['cj'],
  'certificates.k8s.io/certificatesigningrequests': ['csr'],
  'networking.k8s.io/ingresses': ['ing'],
  'networking.k8s.io/ipaddresses': ['ip'],
  'networking.k8s.io/networkpolicies': ['netpol'],
  'policy/poddisruptionbudgets': ['pdb'],
  'scheduling.k8s.io/priorityclasses': ['pc'],
  'storage.k8s.io/storageclasses': ['sc'],
  'storage.k8s.io/volumeattributesclasses': ['vac'],
};

/** Categories by `group/plural`. */
export const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  pods: ['all'],
  replicationcontrollers: ['all'],
  services: ['all'],
  'apps/daemonsets': ['all'],
  'apps/deployments': ['all'],
  'apps/replicasets': ['all'],
  'apps/statefulsets': ['all'],
  'autoscaling/horizontalpodautoscalers': ['all'],
  'batch/cronjobs': ['all'],
  'batch/jobs': ['all'],
  'admissionregistration.k8s.io/mutatingadmissionpolicies': ['api-extensions'],
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': ['api-extensions'],
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': ['api-extensions'],
  'admissionregistration.k8s.io/validatingadmissionpolicies': ['api-extensions'],
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': ['api-extensions'],
  'admissionregistration.k8s.io/validatingwebhookconfigurations': ['api-extensions'],
};

/** Keys under `/registry/` that are not simply the plural, as upstream's store has them. */
export const STORAGE_PREFIXES: Readonly<Record<string, string>> = {
  endpoints: 'services/endpoints',
  nodes: 'minions',
  replicationcontrollers: 'controllers',
  services: 'services/specs',
  'networking.k8s.io/ingresses': 'ingress',
};

/** Definitions that no served path names, but that requests and replies are made of. */
export const EXTRA_ROOTS: readonly string[] = [
  'io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList',
  'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList',
  'io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Condition',
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Status',
  'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent',
  'io.k8s.apimachinery.pkg.version.Info',
];
