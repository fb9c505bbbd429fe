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

/** Ties a table to its kind once, so that each line below is checked against the right type. */
function fields<T extends KubeObject>(extract: Extract<T>): Extract<KubeObject> {
  return extract as Extract<KubeObject>;
}

const replicas = fields<ReplicaSet>({ 'status.replicas': (rs) => rs.status?.replicas ?? 0 });

const events = fields<Event>({
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
});

/** `resource.group` → field → value. What is not here has `metadata.name` and `metadata.namespace` only. */
const FIELDS: Readonly<Record<string, Extract<KubeObject>>> = {
  pods: fields<Pod>({
    'spec.nodeName': (pod) => pod.spec.nodeName,
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy,
    'spec.schedulerName': (pod) => pod.spec.schedulerName,
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName,
    'spec.hostNetwork': (pod) => pod.spec.hostNetwork ?? false,
    'status.phase': (pod) => pod.status?.phase,
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP,
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName,
  }),
  nodes: fields<Node>({ 'spec.unschedulable': (node) => node.spec?.unschedulable ?? false }),
  events,
  secrets: fields<Secret>({ type: (secret) => secret.type }),
  namespaces: fields<Namespace>({
    'status.phase': (namespace) => namespace.status?.phase,
    name: (namespace) => namespace.metadata.name,
  }),
  replicationcontrollers: replicas,
  'replicasets.apps': replicas,
  'jobs.batch': fields<Job>({ 'status.successful': (job) => job.status?.succeeded ?? 0 }),
  'certificatesigningrequests.certificates.k8s.io': fields<CertificateSigningRequest>({
    'spec.signerName': (csr) => csr.spec.signerName,
  }),
};

function extractorsOf(rt: NamedResource): Extract<KubeObject> {
  const key = rt.group === '' ? rt.resource : `${rt.resource}.${rt.group}`;
  return FIELDS[key] ?? (key === 'events.events.k8s.io' ? events : NONE);
}

const NONE: Extract<KubeObject> = {};

/** Names of the fields the resource publishes. */
export function fieldNamesOf(rt: NamedResource & { readonly namespaced: boolean }): ReadonlySet<string> {
  const names = new Set(Object.keys(extractorsOf(rt)));
  names.add('metadata.name');
  // Upstream answers for metadata.namespace on cluster-scoped kinds too; nothing then matches but the empty name.
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
    values[field] = String(extract(object) ?? '');
  return values;
}
