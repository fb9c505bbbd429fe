/**
 * Root CA publisher — every namespace has the ConfigMap `kube-root-ca.crt`, by which pods verify the API
 * server.
 * Reads: namespaces, the ConfigMaps of that name (cache).  Writes: configmaps.
 */
import { ConfigMap, isStatus, Namespace } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { enqueueSelf, onAny } from '../shared/watching.ts';

const NAME = 'kube-root-ca.crt';
const FILE = 'ca.crt';

export function rootCaPublisher(
  { client, informers }: ControllerDeps,
  { rootCa }: { readonly rootCa: string },
): ControllerSpec {
  const namespaces = informers.of(Namespace);
  const published = informers.filtered(ConfigMap, { fieldSelector: `metadata.name=${NAME}` });

  return {
    name: 'root-ca-cert-publisher',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(namespaces, enqueue);
      onAny(published, ({ metadata }) => enqueue(metadata.namespace ?? ''));
    },
    async reconcile(name) {
      const namespace = namespaces.get(name);
      if (namespace === undefined || namespace.status?.phase === 'Terminating') return done;
      const found = published.get(`${name}/${NAME}`);
      if (found?.data?.[FILE] === rootCa && Object.keys(found.data).length === 1) return done;
      try {
        if (found === undefined) {
          await client.create(ConfigMap, {
            metadata: { namespace: name, name: NAME },
            data: { [FILE]: rootCa },
          });
        } else {
          await client.update(ConfigMap, { ...found, data: { [FILE]: rootCa } });
        }
      } catch (error) {
        if (!isStatus(error, 'AlreadyExists', 'NotFound') && !isNamespaceTerminating(error)) throw error;
      }
      return done;
    },
  };
}
