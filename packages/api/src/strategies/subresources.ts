/** What each subresource may change: everything else is taken from the stored object. */
import type { CertificateSigningRequest, Container, Namespace, Pod } from '../generated/types.ts';
import { type NamedResource, qualifiedResource } from '../errors.ts';
import type { KubeObject } from '../meta.ts';

/** Rewrites `object` in place so that it differs from `old` only where the subresource may. */
export function keepToSubresource(
  rt: NamedResource,
  subresource: string,
  object: KubeObject,
  old: KubeObject,
): void {
  switch (subresource) {
    case 'status':
      keepToStatus(rt, object, old);
      return;
    case 'ephemeralcontainers':
      keepToEphemeralContainers(object as Pod, old as Pod);
      return;
    case 'resize':
      keepToResources(object as Pod, old as Pod);
      return;
    case 'finalize':
      keepToFinalizers(object as Namespace, old as Namespace);
      return;
    case 'approval':
      keepToApproval(object as CertificateSigningRequest, old as CertificateSigningRequest);
      return;
    default:
      return;
  }
}

type Fields = Record<string, unknown>;

/** `/status` writes the status and nothing else at the top level. */
function keepToStatus(rt: NamedResource, object: KubeObject, old: KubeObject): void {
  replaceAll(object, { ...old, metadata: object.metadata, status: (object as unknown as Fields).status });
  // Owners and labels are not for those who may only report.
  object.metadata.ownerReferences = old.metadata.ownerReferences;
  if (qualifiedResource(rt) === 'deployments.apps') object.metadata.labels = old.metadata.labels;
  if (qualifiedResource(rt) === 'certificatesigningrequests.certificates.k8s.io') {
    const csr = object as CertificateSigningRequest;
    const { conditions } = (old as CertificateSigningRequest).status ?? {};
    csr.status = { ...csr.status, conditions: [...decisions(conditions), ...others(csr.status?.conditions)] };
  }
}

function keepToEphemeralContainers(pod: Pod, old: Pod): void {
  const { ephemeralContainers } = pod.spec;
  replaceAll(pod, { ...old, metadata: pod.metadata, spec: { ...old.spec, ephemeralContainers } });
}

function keepToResources(pod: Pod, old: Pod): void {
  const resized = (list: Container[] | undefined, before: Container[] | undefined) =>
    before?.map((container) => {
      const wanted = list?.find(({ name }) => name === container.name);
      if (wanted === undefined) return container;
      return { ...container, resources: wanted.resources, resizePolicy: wanted.resizePolicy };
    });
  const containers = resized(pod.spec.containers, old.spec.containers) ?? [];
  const initContainers = resized(pod.spec.initContainers, old.spec.initContainers);
  const spec = { ...old.spec, containers, ...(initContainers !== undefined && { initContainers }) };
  replaceAll(pod, { ...old, metadata: pod.metadata, spec });
}

function keepToFinalizers(namespace: Namespace, old: Namespace): void {
  const finalizers = namespace.spec?.finalizers;
  replaceAll(namespace, { ...old, metadata: namespace.metadata, spec: { ...old.spec, finalizers } });
}

type Conditions = NonNullable<CertificateSigningRequest['status']>['conditions'];
const isDecision = ({ type }: { type: string }) => type === 'Approved' || type === 'Denied';
const decisions = (conditions: Conditions) => (conditions ?? []).filter(isDecision);
const others = (conditions: Conditions) => (conditions ?? []).filter((condition) => !isDecision(condition));

/** `/approval` sets Approved and Denied; the signer's certificate and Failed stay. */
function keepToApproval(csr: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const conditions = [...decisions(csr.status?.conditions), ...others(old.status?.conditions)];
  replaceAll(csr, { ...old, metadata: csr.metadata, status: { ...old.status, conditions } });
}

/** Makes `object` hold exactly the fields of `source`. */
function replaceAll(object: KubeObject, source: object): void {
  for (const key of Object.keys(object)) if (!(key in source)) delete (object as unknown as Fields)[key];
  Object.assign(object, source);
}
