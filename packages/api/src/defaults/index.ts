/**
 * Defaulting: what the server fills in before an object is admitted, one function a kind. The values are
 * upstream's (`pkg/apis/<group>/<version>/defaults.go`).
 * Invariants
 *   DEF-1  defaulting twice gives what defaulting once gives
 */
import { type NamedResource, qualifiedResource } from '../errors.ts';
import type { KubeObject } from '../meta.ts';
import {
  defaultMutatingWebhooks,
  defaultValidatingAdmissionPolicy,
  defaultValidatingAdmissionPolicyBinding,
  defaultValidatingWebhooks,
} from './admission.ts';
import { defaultCronJob } from './cron-job.ts';
import { defaultDaemonSet } from './daemon-set.ts';
import { defaultDeployment } from './deployment.ts';
import { defaultFlowSchema, defaultPriorityLevel } from './flow-control.ts';
import { defaultHorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { defaultJob } from './job.ts';
import { defaultLimitRange } from './limit-range.ts';
import { defaultEndpoints, defaultEndpointSlice, defaultNetworkPolicy } from './networking.ts';
import { defaultPersistentVolume } from './persistent-volume.ts';
import { defaultPersistentVolumeClaim } from './persistent-volume-claim.ts';
import { defaultPod } from './pod.ts';
import { defaultRoleBinding } from './rbac.ts';
import { defaultReplicaSet } from './replica-set.ts';
import { defaultReplicationController } from './replication-controller.ts';
import { defaultService } from './service.ts';
import * as small from './small-kinds.ts';
import { defaultStatefulSet } from './stateful-set.ts';

export { mirrorServiceAccount } from './pod-spec.ts';

/** `never`: each function takes its own kind; the table's key says which. */
type Default = (object: never) => void;

const DEFAULTS: Readonly<Record<string, Default>> = {
  configmaps: small.defaultConfigMap,
  endpoints: defaultEndpoints,
  limitranges: defaultLimitRange,
  namespaces: small.defaultNamespace,
  nodes: small.defaultNode,
  persistentvolumeclaims: defaultPersistentVolumeClaim,
  persistentvolumes: defaultPersistentVolume,
  pods: defaultPod,
  podtemplates: small.defaultPodTemplateKind,
  replicationcontrollers: defaultReplicationController,
  resourcequotas: small.defaultResourceQuota,
  secrets: small.defaultSecret,
  services: defaultService,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': defaultMutatingWebhooks,
  'validatingadmissionpolicies.admissionregistration.k8s.io': defaultValidatingAdmissionPolicy,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': defaultValidatingAdmissionPolicyBinding,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': defaultValidatingWebhooks,
  'daemonsets.apps': defaultDaemonSet,
  'deployments.apps': defaultDeployment,
  'replicasets.apps': defaultReplicaSet,
  'statefulsets.apps': defaultStatefulSet,
  'horizontalpodautoscalers.autoscaling': defaultHorizontalPodAutoscaler,
  'cronjobs.batch': defaultCronJob,
  'jobs.batch': defaultJob,
  'endpointslices.discovery.k8s.io': defaultEndpointSlice,
  'flowschemas.flowcontrol.apiserver.k8s.io': defaultFlowSchema,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': defaultPriorityLevel,
  'networkpolicies.networking.k8s.io': defaultNetworkPolicy,
  'clusterrolebindings.rbac.authorization.k8s.io': defaultRoleBinding,
  'rolebindings.rbac.authorization.k8s.io': defaultRoleBinding,
  'priorityclasses.scheduling.k8s.io': small.defaultPriorityClass,
  'csidrivers.storage.k8s.io': small.defaultCsiDriver,
  'storageclasses.storage.k8s.io': small.defaultStorageClass,
};

/** Fills defaults into `object` in place. Kinds without defaults are left as they are. */
export function applyDefaults(rt: NamedResource, object: KubeObject): void {
  // The key chose the function for this very kind.
  DEFAULTS[qualifiedResource(rt)]?.(object as never);
}
