import { isStatus, PersistentVolumeClaim, Pod } from '@kubelab/api';
import { type KubeClient, TransportError } from '@kubelab/client';
import type { Clock } from '@kubelab/component-base';
import type { BindPlugin, ClusterObjects, PreBindPlugin } from '../core/framework.ts';
import type { AnyPod } from '../core/pod-info.ts';
import { claimNames, waitsForConsumer } from '../filters/volume-binding.ts';

/**
 * Upstream's DefaultBinder: POST pods/<name>/binding. The uid makes it fail for a pod reborn under the same
 * name.
 */
export function defaultBinder(client: KubeClient): BindPlugin {
  return {
    name: 'DefaultBinder',
    async bind(pod, nodeName) {
      const { name, namespace, uid } = pod.metadata;
      const target = { apiVersion: 'v1', kind: 'Node', name: nodeName };
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
      try {
        await client.createSubresource(Pod, { name, namespace }, 'binding', binding);
      } catch (error) {
        if (!(error instanceof TransportError) || !error.maybeSent) throw error;
        // Nobody knows whether it arrived. Only the server can tell, and until it does the place must be
        // held.
        if (!(await isBoundTo(client, pod, nodeName))) throw error;
      }
    },
  };
}

async function isBoundTo(client: KubeClient, pod: AnyPod, nodeName: string): Promise<boolean> {
  const { name, namespace, uid } = pod.metadata;
  for (;;) {
    try {
      const now = await client.get(Pod, { name, namespace });
      return now.metadata.uid === uid && now.spec.nodeName === nodeName;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return false;
      // The client has waited and tried every server before it gave up.
      if (!(error instanceof TransportError)) throw error;
    }
  }
}

const CLAIM_POLL_MS = 500;
const CLAIM_TIMEOUT_MS = 10 * 60_000;
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** Claims that wait for their first consumer are told the node, and the pod waits for them. */
export function volumePreBind(client: KubeClient, objects: ClusterObjects, clock: Clock): PreBindPlugin {
  return {
    name: 'VolumeBinding',
    async preBind(pod, nodeName, signal) {
      const { namespace = '' } = pod.metadata;
      const open = claimNames(pod).filter((name) => {
        const claim = objects.volumeClaim(namespace, name);
        return (
          claim !== undefined && (claim.spec?.volumeName ?? '') === '' && waitsForConsumer(claim, objects)
        );
      });
      for (const name of open) {
        const patch = { metadata: { annotations: { [SELECTED_NODE]: nodeName } } };
        await client.patch(PersistentVolumeClaim, { name, namespace }, patch, { type: 'merge' });
      }
      const deadlineMs = clock.monotonic() + CLAIM_TIMEOUT_MS;
      const isBound = (name: string) => (objects.volumeClaim(namespace, name)?.spec?.volumeName ?? '') !== '';
      while (!open.every(isBound)) {
        if (clock.monotonic() > deadlineMs)
          throw new Error('binding volumes: timed out waiting for the condition');
        await clock.sleep(CLAIM_POLL_MS, signal);
      }
    },
  };
}
