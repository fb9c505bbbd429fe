/**
 * Validation: what an object may say, one function a kind, with upstream's paths and sentences
 * (`pkg/apis/<group>/validation`). Runs after defaulting and strategies.
 * Invariants
 *   VAL-1  validation reads only; the object is as it was
 */
import { type NamedResource, qualifiedResource } from '../errors.ts';
import { type FieldError, required } from '../field-errors.ts';
import type { KubeObject } from '../meta.ts';
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  pathSegmentErrors,
} from '../names.ts';
import { allowsUnconditionalUpdate } from '../strategies/update-rules.ts';
import type { Errors } from './checks.ts';
import { validateConfigMap, validateSecret } from './config.ts';
import { validateCronJob } from './cron-job.ts';
import { validateDaemonSet } from './daemon-set.ts';
import { validateDeployment } from './deployment.ts';
import { validateEndpoints, validateEndpointSlice } from './endpoints.ts';
import { validateJob } from './job.ts';
import { validateIngress, validateIngressClass, validateNetworkPolicy } from './networking.ts';
import { validateNode } from './node.ts';
import {
  type NameCheck,
  validateObjectMeta,
  validateObjectMetaUpdate,
  validateResourceVersionGiven,
} from './object-meta.ts';
import { validatePersistentVolumeClaim } from './persistent-volume-claim.ts';
import { validateBinding, validatePod } from './pod.ts';
import * as policy from './policy.ts';
import {
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
} from './rbac.ts';
import { validateReplicaSet, validateReplicationController } from './replica-set.ts';
import { validateService } from './service.ts';
import * as small from './small-kinds.ts';
import { validateStatefulSet } from './stateful-set.ts';
import { validatePersistentVolume, validateStorageClass } from './storage.ts';

export { cronError } from './cron.ts';
export { validateBinding };

type Validate = (object: never, old?: never, subresource?: string) => Errors;

const VALIDATORS: Readonly<Record<string, Validate>> = {
  configmaps: validateConfigMap,
  endpoints: validateEndpoints,
  events: small.validateEvent,
  limitranges: policy.validateLimitRange,
  namespaces: small.validateNamespace,
  nodes: validateNode,
  persistentvolumeclaims: validatePersistentVolumeClaim,
  persistentvolumes: validatePersistentVolume,
  pods: validatePod,
  replicationcontrollers: validateReplicationController,
  resourcequotas: policy.validateResourceQuota,
  secrets: validateSecret,
  services: validateService,
  'daemonsets.apps': validateDaemonSet,
  'deployments.apps': validateDeployment,
  'replicasets.apps': validateReplicaSet,
  'statefulsets.apps': validateStatefulSet,
  'horizontalpodautoscalers.autoscaling': policy.validateHorizontalPodAutoscaler,
  'cronjobs.batch': validateCronJob,
  'jobs.batch': validateJob,
  'certificatesigningrequests.certificates.k8s.io': small.validateCertificateSigningRequest,
  'leases.coordination.k8s.io': small.validateLease,
  'endpointslices.discovery.k8s.io': validateEndpointSlice,
  'ingressclasses.networking.k8s.io': validateIngressClass,
  'ingresses.networking.k8s.io': validateIngress,
  'networkpolicies.networking.k8s.io': validateNetworkPolicy,
  'runtimeclasses.node.k8s.io': small.validateRuntimeClass,
  'poddisruptionbudgets.policy': policy.validatePodDisruptionBudget,
  'clusterrolebindings.rbac.authorization.k8s.io': validateClusterRoleBinding,
  'clusterroles.rbac.authorization.k8s.io': validateClusterRole,
  'rolebindings.rbac.authorization.k8s.io': validateRoleBinding,
  'roles.rbac.authorization.k8s.io': validateRole,
  'priorityclasses.scheduling.k8s.io': policy.validatePriorityClass,
  'storageclasses.storage.k8s.io': validateStorageClass,
};

/** A job's pods are named after it, and a cron job's jobs after that: both need room for what is appended. */
const CRON_JOB_NAME_MAX = 52;

const NAME_CHECKS: Readonly<Record<string, NameCheck>> = {
  namespaces: dns1123LabelErrors,
  services: dns1035LabelErrors,
  'statefulsets.apps': dns1123LabelErrors,
  'cronjobs.batch': (name) =>
    name.length > CRON_JOB_NAME_MAX
      ? [...dns1123SubdomainErrors(name), `must be no more than ${CRON_JOB_NAME_MAX} characters`]
      : dns1123SubdomainErrors(name),
  'clusterrolebindings.rbac.authorization.k8s.io': pathSegmentErrors,
  'clusterroles.rbac.authorization.k8s.io': pathSegmentErrors,
  'rolebindings.rbac.authorization.k8s.io': pathSegmentErrors,
  'roles.rbac.authorization.k8s.io': pathSegmentErrors,
  'ipaddresses.networking.k8s.io': pathSegmentErrors,
};

interface ValidatedResource extends NamedResource {
  readonly namespaced: boolean;
}

/**
 * All that is wrong with `object`; nothing when it may be stored. With `old` as its replacement, through
 * `subresource` if one is named.
 */
export function validate(
  rt: ValidatedResource,
  object: KubeObject,
  old?: KubeObject,
  subresource?: string,
): FieldError[] {
  const resource = qualifiedResource(rt);
  return [...validateMeta(rt, object, old), ...validateKind(resource, object, old, subresource)];
}

function* validateMeta(rt: ValidatedResource, object: KubeObject, old: KubeObject | undefined): Errors {
  const nameErrors = NAME_CHECKS[qualifiedResource(rt)] ?? dns1123SubdomainErrors;
  if (old === undefined) {
    yield* validateObjectMeta(object.metadata, { namespaced: rt.namespaced, nameErrors });
    return;
  }
  yield* validateObjectMetaUpdate(object.metadata, old.metadata);
  if (!allowsUnconditionalUpdate(rt)) yield* validateResourceVersionGiven(object.metadata);
}

/** Kinds whose whole meaning is in `spec`: without one there is nothing to check field by field. */
const NEEDS_SPEC =
  /^(deployments|replicasets|statefulsets|daemonsets|jobs|cronjobs|horizontalpodautoscalers|certificatesigningrequests)\./;

function* validateKind(
  resource: string,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string | undefined,
): Errors {
  if (NEEDS_SPEC.test(resource) && (object as KubeObject & { spec?: unknown }).spec === undefined) {
    yield required('spec');
    return;
  }
  const isReport = subresource === 'status' || subresource === 'approval';
  // Reports were checked field by field as they were decoded; only these have rules of their own.
  if (isReport && resource !== 'pods' && !resource.startsWith('certificatesigningrequests.')) return;
  // The key chose the function for this very kind.
  yield* VALIDATORS[resource]?.(object as never, old as never, subresource) ?? [];
}
