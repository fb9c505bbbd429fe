import { allow, READ } from './rule.ts';
import type { BootstrapNamespaceRole } from './roles.ts';
import { serviceAccount, user } from './subjects.ts';

/** Roles in the system's own namespaces. */
export const namespaceRoles: readonly BootstrapNamespaceRole[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [allow(READ).of('', 'configmaps', 'extension-apiserver-authentication')],
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-controller-manager',
    rules: [
      allow('watch').of('', 'configmaps'),
      allow('get update').of('', 'configmaps', 'kube-controller-manager'),
    ],
    subjects: [
      user('system:kube-controller-manager'),
      serviceAccount('kube-system', 'kube-controller-manager'),
    ],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-scheduler',
    rules: [allow('watch').of('', 'configmaps'), allow('get update').of('', 'configmaps', 'kube-scheduler')],
    subjects: [user('system:kube-scheduler'), serviceAccount('kube-system', 'kube-scheduler')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [allow(READ).of('', 'secrets')],
    subjects: [serviceAccount('kube-system', 'bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [allow('delete get list watch').of('', 'secrets')],
    subjects: [serviceAccount('kube-system', 'token-cleaner')],
  },
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [allow(READ).of('', 'configmaps'), allow('update').of('', 'configmaps', 'cluster-info')],
    subjects: [serviceAccount('kube-system', 'bootstrap-signer')],
  },
];
