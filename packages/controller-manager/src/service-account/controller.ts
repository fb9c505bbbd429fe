/**
 * ServiceAccount controller — every namespace has the service account `default`.
 * Reads: namespaces, the `default` service accounts (cache).  Writes: serviceaccounts.
 */
import { isStatus, Namespace, ServiceAccount } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { enqueueSelf } from '../shared/watching.ts';

const DEFAULT = 'default';

export function serviceAccountController({ client, informers }: ControllerDeps): ControllerSpec {
  const namespaces = informers.of(Namespace);
  const accounts = informers.filtered(ServiceAccount, { fieldSelector: `metadata.name=${DEFAULT}` });

  return {
    name: 'serviceaccount',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(namespaces, enqueue);
      accounts.addHandler({ onDelete: ({ metadata }) => enqueue(metadata.namespace ?? '') });
    },
    async reconcile(name) {
      const namespace = namespaces.get(name);
      if (namespace === undefined || namespace.status?.phase === 'Terminating') return done;
      if (accounts.get(`${name}/${DEFAULT}`) !== undefined) return done;
      try {
        await client.create(ServiceAccount, { metadata: { namespace: name, name: DEFAULT } });
      } catch (error) {
        if (!isStatus(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
      return done;
    },
  };
}
