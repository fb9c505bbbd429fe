import type { PolicyRule } from '@kubelab/api';
import { allow, events, READ } from './rule.ts';
import type { BootstrapRole } from './roles.ts';
import { serviceAccount, user } from './subjects.ts';

/**
 * One role a controller, as upstream. Each is bound to the controller's own service account and, as all of
 * them run in one process
 * with one identity, to that process too.
 */
export const controllerRoles: readonly BootstrapRole[] = Object.entries(rulesByController()).map(
  ([name, rules]) => ({
    name: `system:controller:${name}`,
    rules: [...rules, events],
    subjects: [serviceAccount('kube-system', name), user('system:kube-controller-manager')],
  }),
);

function rulesByController(): Record<string, PolicyRule[]> {
  return {
    'certificate-controller': [
      allow('delete get list watch').of('certificates.k8s.io', 'certificatesigningrequests'),
      allow('update').of(
        'certificates.k8s.io',
        'certificatesigningrequests/status certificatesigningrequests/approval',
      ),
      allow('approve').of('certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
      allow('sign').of(
        'certificates.k8s.io',
        'signers',
        'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet ' +
          'kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
      ),
      allow('create').of('authorization.k8s.io', 'subjectaccessreviews'),
    ],
    'clusterrole-aggregation-controller': [
      allow('escalate get list patch update watch').of('rbac.authorization.k8s.io', 'clusterroles'),
    ],
    // Keeps the Service of the cluster's DNS and the list of nodes that serve it.
    'cluster-dns-controller': [
      allow('get list watch create update patch').of('', 'services'),
      allow('get list watch create update patch delete').of('discovery.k8s.io', 'endpointslices'),
      allow('get list watch create update patch delete').of('', 'endpoints'),
      allow('create').of('', 'endpoints/restricted'),
      allow('create').of('discovery.k8s.io', 'endpointslices/restricted'),
      allow(READ).of('', 'nodes'),
    ],
    'cronjob-controller': [
      allow('get list update watch').of('batch', 'cronjobs'),
      allow('create delete get list patch update watch').of('batch', 'jobs'),
      allow('update').of('batch', 'cronjobs/finalizers'),
      allow('update patch').of('batch', 'cronjobs/status'),
      allow('delete list').of('', 'pods'),
    ],
    'daemon-set-controller': [
      allow(READ).of('apps', 'daemonsets'),
      allow('update').of('apps', 'daemonsets/finalizers'),
      allow('update patch').of('apps', 'daemonsets/status'),
      allow('list watch').of('', 'nodes'),
      allow('create delete get list patch watch').of('', 'pods'),
      allow('create').of('', 'pods/binding'),
      allow('create delete get list patch update watch').of('apps', 'controllerrevisions'),
    ],
    'deployment-controller': [
      allow('get list patch update watch').of('apps', 'deployments'),
      allow('update').of('apps', 'deployments/finalizers'),
      allow('update patch').of('apps', 'deployments/status'),
      allow('create delete get list patch update watch').of('apps', 'replicasets'),
      allow('get list update watch').of('', 'pods'),
    ],
    'disruption-controller': [
      allow(READ).of('apps', 'deployments replicasets statefulsets'),
      allow(READ).of('', 'replicationcontrollers'),
      allow(READ).of('policy', 'poddisruptionbudgets'),
      allow('update patch').of('policy', 'poddisruptionbudgets/status'),
      allow('patch update').of('', 'pods/status'),
      allow('get').of('*', '*/scale'),
    ],
    'endpoint-controller': [
      allow(READ).of('', 'pods services'),
      allow('create delete get list update patch').of('', 'endpoints'),
      allow('create').of('', 'endpoints/restricted'),
    ],
    'endpointslice-controller': [
      allow(READ).of('', 'nodes pods services'),
      allow('update').of('', 'services/finalizers'),
      allow('create delete get list update patch').of('discovery.k8s.io', 'endpointslices'),
      allow('create').of('discovery.k8s.io', 'endpointslices/restricted'),
    ],
    'ephemeral-volume-controller': [
      allow('update').of('', 'pods/finalizers'),
      allow(READ).of('', 'pods'),
      allow('create get list watch').of('', 'persistentvolumeclaims'),
    ],
    'expand-controller': [
      allow('get list patch update watch').of(
        '',
        'persistentvolumes persistentvolumeclaims/status persistentvolumeclaims',
      ),
    ],
    'generic-garbage-collector': [allow('delete get list patch update watch').of('*', '*')],
    'horizontal-pod-autoscaler': [
      allow(READ).of('autoscaling', 'horizontalpodautoscalers'),
      allow('update patch').of('autoscaling', 'horizontalpodautoscalers/status'),
      allow('get update patch').of('*', '*/scale'),
      allow('list').of('', 'pods'),
      allow('list get').of('metrics.k8s.io', 'pods nodes'),
    ],
    'job-controller': [
      allow('get list patch update watch').of('batch', 'jobs'),
      allow('update patch').of('batch', 'jobs/status'),
      allow('update').of('batch', 'jobs/finalizers'),
      allow('create delete get list patch watch update').of('', 'pods'),
      allow('patch update').of('', 'pods/status'),
    ],
    'namespace-controller': [
      allow('delete get list watch').of('', 'namespaces'),
      allow('update').of('', 'namespaces/finalize namespaces/status'),
      allow('delete deletecollection get list patch update watch').of('*', '*'),
    ],
    'node-controller': [
      allow('delete get list patch update watch').of('', 'nodes'),
      allow('patch update').of('', 'nodes/status'),
      allow('patch update').of('', 'pods/status'),
      allow('delete list get watch').of('', 'pods'),
      allow(READ).of('apps', 'daemonsets'),
      allow('create get list update patch watch').of('coordination.k8s.io', 'leases'),
    ],
    'persistent-volume-binder': [
      allow('create delete get list patch update watch').of('', 'persistentvolumes'),
      allow('update patch').of('', 'persistentvolumes/status'),
      allow('get list patch update watch').of('', 'persistentvolumeclaims'),
      allow('update patch').of('', 'persistentvolumeclaims/status'),
      allow('create delete get list watch').of('', 'pods'),
      allow(READ).of('storage.k8s.io', 'storageclasses'),
      allow('get list').of('', 'nodes'),
    ],
    'pod-garbage-collector': [
      allow('delete list watch').of('', 'pods'),
      allow('get list watch').of('', 'nodes'),
      allow('patch update').of('', 'pods/status'),
    ],
    'pv-protection-controller': [allow('get list update patch watch').of('', 'persistentvolumes')],
    'pvc-protection-controller': [
      allow('get list update patch watch').of('', 'persistentvolumeclaims'),
      allow(READ).of('', 'pods'),
    ],
    'replicaset-controller': [
      allow('get list update patch watch').of('apps', 'replicasets'),
      allow('update patch').of('apps', 'replicasets/status'),
      allow('update').of('apps', 'replicasets/finalizers'),
      allow('create delete get list patch update watch').of('', 'pods'),
    ],
    'replication-controller': [
      allow('get list update patch watch').of('', 'replicationcontrollers'),
      allow('update patch').of('', 'replicationcontrollers/status'),
      allow('update').of('', 'replicationcontrollers/finalizers'),
      allow('create delete get list patch update watch').of('', 'pods'),
    ],
    'resourcequota-controller': [
      allow('list watch get').of('*', '*'),
      allow('update patch').of('', 'resourcequotas/status'),
    ],
    'root-ca-cert-publisher': [allow('create update patch get list watch').of('', 'configmaps')],
    'service-account-controller': [
      allow('create get list watch').of('', 'serviceaccounts'),
      allow(READ).of('', 'namespaces'),
    ],
    'service-controller': [
      allow(READ).of('', 'services nodes'),
      allow('patch update').of('', 'services/status'),
    ],
    'statefulset-controller': [
      allow('list watch get').of('', 'pods'),
      allow('get list watch').of('apps', 'statefulsets'),
      allow('update patch').of('apps', 'statefulsets/status'),
      allow('update').of('apps', 'statefulsets/finalizers'),
      allow('create delete get patch update').of('', 'pods'),
      allow('create delete get list patch update watch').of('apps', 'controllerrevisions'),
      allow('create get list watch delete patch update').of('', 'persistentvolumeclaims'),
    ],
    // Keeps the tokens that live in secrets.
    'tokens-controller': [
      allow('get list watch create update patch delete').of('', 'secrets'),
      allow('get list watch update patch').of('', 'serviceaccounts'),
    ],
    'ttl-after-finished-controller': [allow('delete get list watch').of('batch', 'jobs')],
    'ttl-controller': [allow('update patch list watch').of('', 'nodes')],
    'validatingadmissionpolicy-status-controller': [
      allow(READ).of('admissionregistration.k8s.io', 'validatingadmissionpolicies'),
      allow('get patch update').of('admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    ],
  };
}
