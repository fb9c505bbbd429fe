import type { Subject } from '@kubelab/api';

const apiGroup = 'rbac.authorization.k8s.io';

export function user(name: string): Subject {
  return { kind: 'User', apiGroup, name };
}

export function group(name: string): Subject {
  return { kind: 'Group', apiGroup, name };
}

export function serviceAccount(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', namespace, name };
}
