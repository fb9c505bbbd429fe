import type { DeepReadonly, PersistentVolumeClaim } from '@kubelab/api';
import type { ClusterObjects, FilterPlugin, Rejection } from '../core/framework.ts';
import { type AnyNode } from '../core/node-info.ts';
import { nodeSelectorMatcher } from '../core/node-selector.ts';
import type { AnyPod } from '../core/pod-info.ts';

type AnyClaim = DeepReadonly<PersistentVolumeClaim>;

/**
 * Claims must be bound, or of a class that waits for its first consumer; bound volumes must be reachable
 * from the node.
 */
export const volumeBinding: FilterPlugin = {
  name: 'VolumeBinding',
  wakesOn: ['NodeAdd', 'NodeLabel', 'Volume'],
  filter({ pod }, { objects }) {
    const names = claimNames(pod);
    if (names.length === 0) return undefined;
    const judges: ((node: AnyNode) => boolean)[] = [];
    for (const name of names) {
      const claim = objects.volumeClaim(pod.metadata.namespace ?? '', name);
      if (claim === undefined) return unresolvable(`persistentvolumeclaim "${name}" not found`);
      if (claim.metadata.deletionTimestamp !== undefined) {
        return unresolvable(`persistentvolumeclaim "${name}" is being deleted`);
      }
      const volumeName = claim.spec?.volumeName ?? '';
      if (volumeName === '') {
        if (!waitsForConsumer(claim, objects))
          return unresolvable('pod has unbound immediate PersistentVolumeClaims');
        continue;
      }
      const volume = objects.volume(volumeName);
      if (volume === undefined) return unresolvable(`persistentvolume "${volumeName}" not found`);
      const required = volume.spec?.nodeAffinity?.required;
      if (required !== undefined) judges.push(nodeSelectorMatcher(required));
    }
    if (judges.length === 0) return undefined;
    return ({ node }) =>
      judges.every((matches) => matches(node))
        ? undefined
        : unresolvable("node(s) didn't match PersistentVolume's node affinity");
  },
};

/** Names of the claims a pod mounts; an ephemeral volume's claim is named after the pod. */
export function claimNames(pod: AnyPod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [`${pod.metadata.name}-${volume.name}`];
  });
}

/** Unbound by design until a pod that uses it has a node. */
export function waitsForConsumer(claim: AnyClaim, objects: ClusterObjects): boolean {
  const className = claim.spec?.storageClassName ?? '';
  return className !== '' && objects.storageClass(className)?.volumeBindingMode === 'WaitForFirstConsumer';
}

function unresolvable(reason: string): Rejection {
  return { reasons: [reason], isUnresolvable: true };
}
