import {
  newControllerRef,
  type NewObject,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  StatefulSet,
} from '@kubelab/api';
import { copyOf, type Seen } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

export type SeenStatefulSet = Seen<StatefulSet>;

export const REVISION_HASH = 'controller-revision-hash';
const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

export function podName(set: SeenStatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** The ordinal in `web-3`; undefined for what is no member by its name. */
export function ordinalOf(set: SeenStatefulSet, pod: SeenPod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const text = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

export function revisionOfPod(pod: SeenPod): string {
  return pod.metadata.labels?.[REVISION_HASH] ?? '';
}

/** A member with its identity: name, host name and volumes follow from the ordinal. */
export function statefulPod(
  set: SeenStatefulSet,
  ordinal: number,
  template: PodTemplateSpec,
  revision: string,
): NewObject<Pod> {
  const name = podName(set, ordinal);
  const claims = (set.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name ?? '');
  const others = (template.spec.volumes ?? []).filter((volume) => !claims.includes(volume.name));
  const volumes = [
    ...others,
    ...claims.map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${name}` } })),
  ];
  return {
    metadata: {
      ...template.metadata,
      name,
      namespace: set.metadata.namespace,
      labels: {
        ...template.metadata?.labels,
        [POD_NAME]: name,
        [POD_INDEX]: String(ordinal),
        [REVISION_HASH]: revision,
      },
      ownerReferences: [newControllerRef(set, StatefulSet)],
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(set.spec.serviceName === undefined ? {} : { subdomain: set.spec.serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

/** The claims a member needs; they outlive it. */
export function claimsFor(set: SeenStatefulSet, ordinal: number): NewObject<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const claim = copyOf<NewObject<PersistentVolumeClaim>>(template);
    const labels = { ...claim.metadata.labels, ...set.spec.selector.matchLabels };
    const name = `${claim.metadata.name}-${podName(set, ordinal)}`;
    return { ...claim, metadata: { ...claim.metadata, name, namespace: set.metadata.namespace, labels } };
  });
}
