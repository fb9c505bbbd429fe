import type { Pod } from '@kubelab/api';
import type { Informer } from '@kubelab/client';
import type { SeenPod } from './pods.ts';

const BY_NODE = 'node';

/** Lets `podsOn` find the pods of a node; call before the informers start. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(BY_NODE, ({ spec }) =>
    spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName],
  );
}

export function podsOn(pods: Informer<Pod>, node: string): SeenPod[] {
  return pods.byIndex(BY_NODE, node);
}
