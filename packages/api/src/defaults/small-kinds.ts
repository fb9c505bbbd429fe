/** Kinds with one or two defaults each. */
import type {
  ConfigMap,
  CSIDriver,
  Namespace,
  Node,
  PodTemplate,
  PriorityClass,
  ResourceQuota,
  Secret,
  StorageClass,
} from '../generated/types.ts';
import { defaultPodTemplate } from './pod-spec.ts';
import { canonicalizeResources } from './quantities.ts';

/** `stringData` is only for writing: it becomes `data`. */
export function defaultSecret(secret: Secret): void {
  secret.type ||= 'Opaque';
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    secret.data ??= {};
    secret.data[key] = Buffer.from(text, 'utf8').toString('base64');
  }
  delete secret.stringData;
}

/** Upstream writes an empty map in its stored form, and nobody sees it: nothing to do but drop nulls. */
export function defaultConfigMap(map: ConfigMap): void {
  if (map.data === null) delete map.data;
}

export function defaultNamespace(namespace: Namespace): void {
  namespace.spec ??= {};
  const { name } = namespace.metadata;
  // A generated name is not known yet; the strategy sets the label then.
  if (name) namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name };
  namespace.status ??= {};
  namespace.status.phase ||= 'Active';
}

export function defaultNode(node: Node): void {
  node.spec ??= {};
  canonicalizeResources(node.status?.capacity);
  canonicalizeResources(node.status?.allocatable);
  if (node.status?.capacity !== undefined) node.status.allocatable ??= { ...node.status.capacity };
}

export function defaultStorageClass(storageClass: StorageClass): void {
  storageClass.reclaimPolicy ??= 'Delete';
  storageClass.volumeBindingMode ??= 'Immediate';
}

export function defaultPriorityClass(priorityClass: PriorityClass): void {
  priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  priorityClass.value ??= 0;
}

export function defaultResourceQuota(quota: ResourceQuota): void {
  quota.spec ??= {};
  canonicalizeResources(quota.spec.hard);
  canonicalizeResources(quota.status?.hard);
  canonicalizeResources(quota.status?.used);
}

export function defaultPodTemplateKind(template: PodTemplate): void {
  defaultPodTemplate(template.template);
}

export function defaultCsiDriver(driver: CSIDriver): void {
  const spec = driver.spec;
  if (spec === undefined) return;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
}
