import { allow, events, READ, READ_UPDATE } from './rule.ts';
import { NODE_RULES } from './node-rules.ts';
import type { BootstrapRole } from './roles.ts';
import { group, serviceAccount, user } from './subjects.ts';

const leases = (name: string) => [
  allow('create').of('coordination.k8s.io', 'leases'),
  allow('get update').of('coordination.k8s.io', 'leases', name),
];

/** kubelab's own processes, by the names upstream's have. */
export const componentRoles: readonly BootstrapRole[] = [
  // Bound to nobody: the node authorizer gives these out, narrowed to the kubelet's own node.
  { name: 'system:node', rules: NODE_RULES },
  {
    name: 'system:kube-scheduler',
    rules: [
      events,
      ...leases('kube-scheduler'),
      allow(READ).of('coordination.k8s.io', 'leases leasecandidates'),
      allow(READ).of('', 'nodes namespaces'),
      allow('get list watch delete').of('', 'pods'),
      allow('create').of('', 'bindings pods/binding'),
      allow('patch update').of('', 'pods/status'),
      allow(READ).of('', 'replicationcontrollers services'),
      allow(READ).of('apps', 'replicasets statefulsets'),
      allow(READ).of('policy', 'poddisruptionbudgets'),
      allow(READ_UPDATE).of('', 'persistentvolumeclaims persistentvolumes'),
      allow('create').of('authentication.k8s.io', 'tokenreviews'),
      allow('create').of('authorization.k8s.io', 'subjectaccessreviews'),
      allow(READ).of(
        'storage.k8s.io',
        'csinodes csidrivers csistoragecapacities storageclasses volumeattachments',
      ),
      allow(READ).of('resource.k8s.io', 'deviceclasses resourceslices'),
      allow(READ_UPDATE).of('resource.k8s.io', 'resourceclaims'),
      allow('update patch').of('resource.k8s.io', 'resourceclaims/status'),
      allow(READ).of('scheduling.k8s.io', 'priorityclasses'),
    ],
    subjects: [user('system:kube-scheduler')],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      allow(READ_UPDATE).of('', 'persistentvolumes persistentvolumeclaims'),
      allow(READ).of('storage.k8s.io', 'storageclasses'),
    ],
    subjects: [user('system:kube-scheduler')],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      events,
      ...leases('kube-controller-manager'),
      allow('create').of('', 'secrets serviceaccounts serviceaccounts/token'),
      allow('delete').of('', 'secrets'),
      allow('get').of('', 'configmaps namespaces secrets serviceaccounts'),
      allow('update').of('', 'secrets serviceaccounts'),
      allow('create').of('authentication.k8s.io', 'tokenreviews'),
      allow('create').of('authorization.k8s.io', 'subjectaccessreviews'),
      allow('list watch').of('*', '*'),
    ],
    subjects: [user('system:kube-controller-manager')],
  },
  {
    name: 'system:node-proxier',
    rules: [
      allow('list watch').of('', 'services endpoints'),
      allow(READ).of('', 'nodes'),
      events,
      allow('list watch').of('discovery.k8s.io', 'endpointslices'),
      allow('list watch').of('networking.k8s.io', 'servicecidrs'),
    ],
    subjects: [user('system:kube-proxy')],
  },
  {
    name: 'system:kube-dns',
    rules: [
      allow(READ).of('', 'endpoints services pods namespaces nodes'),
      allow(READ).of('discovery.k8s.io', 'endpointslices'),
      events,
    ],
    subjects: [user('system:kube-dns'), serviceAccount('kube-system', 'kube-dns')],
  },
  // What the API servers' own client certificate may do at the kubelets, which ask by SubjectAccessReview.
  {
    name: 'system:kubelet-api-admin',
    rules: [
      allow(READ).of('', 'nodes'),
      allow('proxy').of('', 'nodes'),
      allow('*').of(
        '',
        'nodes/proxy nodes/log nodes/metrics nodes/stats nodes/spec nodes/configz nodes/healthz nodes/pods',
      ),
    ],
    subjects: [user('kube-apiserver-kubelet-client')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [allow('get').of('', 'nodes'), allow('patch').of('', 'nodes/status'), events],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [allow('create get list watch').of('certificates.k8s.io', 'certificatesigningrequests')],
    subjects: [group('system:bootstrappers')],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      allow('get list watch create delete').of('', 'persistentvolumes'),
      allow(READ_UPDATE).of('', 'persistentvolumeclaims'),
      allow(READ).of('storage.k8s.io', 'storageclasses'),
      allow('watch').of('', 'events'),
      events,
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: [allow('create').of('certificates.k8s.io', 'certificatesigningrequests/nodeclient')],
    subjects: [group('system:bootstrappers')],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: [allow('create').of('certificates.k8s.io', 'certificatesigningrequests/selfnodeclient')],
    subjects: [group('system:nodes')],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-approver',
    rules: [allow('approve').of('certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client')],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver',
    rules: [
      allow('approve').of('certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    ],
  },
  {
    name: 'system:certificates.k8s.io:kubelet-serving-approver',
    rules: [allow('approve').of('certificates.k8s.io', 'signers', 'kubernetes.io/kubelet-serving')],
  },
  {
    name: 'system:certificates.k8s.io:legacy-unknown-approver',
    rules: [allow('approve').of('certificates.k8s.io', 'signers', 'kubernetes.io/legacy-unknown')],
  },
  {
    name: 'kubeadm:cluster-admins',
    rules: [allow('*').of('*', '*'), allow('*').paths('*')],
    subjects: [group('kubeadm:cluster-admins')],
  },
];
