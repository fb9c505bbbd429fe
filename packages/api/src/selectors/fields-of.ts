/** The fields each resource can be selected by. */
import type {
  CertificateSigningRequest,
  Event,
  Job,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Secret,
} from '../generated/types.ts';
import type { KubeObject } from '../meta.ts';
import type { NamedResource } from '../errors.ts';
import type { Fields } from './fields.ts';

type Extract<T> = Readonly<Record<string, (object: T) => string | number | boolean | undefined>>;

const replicas = { 'status.replicas': (rs) => rs.status?.replicas ?? 0 } satisfies Extract<ReplicaSet>;

const events = {
  'involvedObject.kind': (e) => e.involvedObject?.kind,
  'involvedObject.namespace': (e) => e.involvedObject?.namespace,
  'involvedObject.name': (e) => e.involvedObject?.name,
  'involvedObject.uid': (e) => e.involvedObject?.uid,
  'involvedObject.apiVersion': (e) => e.involvedObject?.apiVersion,
  'involvedObject.resourceVersion': (e) => e.involvedObject?.resourceVersion,
  'involvedObject.fieldPath': (e) => e.involvedObject?.fieldPath,
  reason: (e) => e.reason,
  reportingComponent: (e) => e.reportingComponent,
  source: (e) => e.source?.component || e.reportingComponent,
  type: (e) => e.type,
} satisfies Extract<Event>;

/** `resource.group` → field → value. What is not here has `metadata.name` and `metadata.namespace` only. */
const FIELDS: Readonly<Record<string, Extract<never>>> = {
  pods: {
    'spec.nodeName': (pod) => pod.spec.nodeName,
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy,
    'spec.schedulerName': (pod) => pod.spec.schedulerName,
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName,
    'spec.hostNetwork': (pod) => pod.spec.hostNetwork ?? false,
    'status.phase': (pod) => pod.status?.phase,
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP,
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName,
  } satisfies Extract<Pod>,
  nodes: { 'spec.unschedulable': (node) => node.spec?.unschedulable ?? false } satisfies Extract<Node>,
  events,
  secrets: { type: (secret) => secret.type } satisfies Extract<Secret>,
  namespaces: {
    'status.phase': (namespace) => namespace.status?.phase,
    name: (namespace) => namespace.metadata.name,
  } satisfies Extract<Namespace>,
  replicationcontrollers: replicas,
  'replicasets.apps': replicas,
  'jobs.batch': { 'status.successful': (job) => job.status?.succeeded ?? 0 } satisfies Extract<Job>,
  'certificatesigningrequests.certificates.k8s.io': {
    'spec.signerName': (csr) => csr.spec.signerName,
  } satisfies Extract<CertificateSigningRequest>,
};

function extractorsOf(rt: NamedResource): Extract<never> {
  const key = rt.group === '' ? rt.resource : `${rt.resource}.${rt.group}`;
  return FIELDS[key] ?? (key === 'events.events.k8s.io' ? events : NONE);
}

const NONE: Extract<never> = {};

/** Names of the fields the resource publishes. */
export function fieldNamesOf(rt: NamedResource & { readonly namespaced: boolean }): ReadonlySet<string> {
  const names = new Set(Object.keys(extractorsOf(rt)));
  names.add('metadata.name');
  // Upstream answers for metadata.namespace on cluster-scoped kinds too; nothing then matches but the empty
  // name.
  names.add('metadata.namespace');
  return names;
}

/** The values of an object's published fields; absent ones are empty text. */
export function fieldsOf(rt: NamedResource, object: KubeObject): Fields {
  const values: Record<string, string> = {
    'metadata.name': object.metadata.name,
    'metadata.namespace': object.metadata.namespace ?? '',
  };
  for (const [field, extract] of Object.entries(extractorsOf(rt)))
    values[field] = String(extract(object as never) ?? '');
  return values;
}
