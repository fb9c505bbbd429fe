import type { PolicyRule } from '@kubelab/api';

/**
 * `allow('get list').of('apps', 'deployments')`: policy as it is read. Words are separated by spaces; the
 * core group is ''.
 */
export function allow(verbs: string) {
  const list = verbs.split(' ');
  return {
    of: (groups: string, resources: string, names?: string): PolicyRule => ({
      verbs: list,
      apiGroups: groups.split(' '),
      resources: resources.split(' '),
      ...(names === undefined ? {} : { resourceNames: names.split(' ') }),
    }),
    paths: (urls: string): PolicyRule => ({ verbs: list, nonResourceURLs: urls.split(' ') }),
  };
}

export const READ = 'get list watch';
export const WRITE = 'create delete deletecollection patch update';
export const READ_UPDATE = 'get list watch update patch';

/** Every component reports what it does by events. */
export const events: PolicyRule = {
  verbs: ['create', 'patch', 'update'],
  apiGroups: ['', 'events.k8s.io'],
  resources: ['events'],
};
