import type { KubeObject } from '@kubelab/api';
import type { ListMeta } from '../core/messages.ts';

/** An object without its spec and status: what clients that only look at metadata ask for. */
export function partialMetadata(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

export function metadataList(objects: readonly KubeObject[], meta: ListMeta, version: string): object {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: meta,
    items: objects.map((object) => partialMetadata(object, version)),
  };
}
