import {
  hasCause,
  isStatus,
  newControllerRef,
  type NewObject,
  Pod,
  type PodTemplateSpec,
  type ResourceType,
  type KubeObject,
} from '@kubelab/api';
import type { ControllerDeps } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';
import { copyOf, refOf, type Seen } from './objects.ts';
import type { SeenPod } from './pods.ts';

/** A pod as its owner's template wants it; the server finishes the name of `generateName`. */
export function podFromTemplate(
  owner: Seen<KubeObject>,
  ownerType: ResourceType,
  template: Seen<PodTemplateSpec>,
): NewObject<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      namespace: owner.metadata.namespace,
      generateName: `${owner.metadata.name}-`,
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [newControllerRef(owner, ownerType)],
    },
    spec: copyOf<Pod['spec']>(template.spec),
  };
}

/** Creates and deletes pods for an owner and tells about it in events on the owner, in upstream's words. */
export interface PodControl {
  create(owner: Seen<KubeObject>, pod: NewObject<Pod>): Promise<Pod | undefined>;
  /** Answers false when the pod was gone already. */
  delete(owner: Seen<KubeObject>, pod: SeenPod): Promise<boolean>;
}

export function podControl(
  { client, events }: Pick<ControllerDeps, 'client' | 'events'>,
  ownerType: ResourceType,
): PodControl {
  const about = (owner: Seen<KubeObject>) => ({
    apiVersion: ownerType.apiVersion,
    kind: ownerType.kind,
    metadata: owner.metadata,
  });
  return {
    async create(owner, pod) {
      try {
        const created = await client.create(Pod, pod);
        events.event(about(owner), 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
        return created;
      } catch (error) {
        if (isNamespaceTerminating(error)) return undefined;
        events.event(about(owner), 'Warning', 'FailedCreate', `Error creating: ${errorMessage(error)}`);
        throw error;
      }
    },
    async delete(owner, pod) {
      try {
        await client.delete(Pod, refOf(pod), { preconditions: { uid: pod.metadata.uid } });
        events.event(about(owner), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
        return true;
      } catch (error) {
        // Another object under that name by now: the one meant is gone.
        if (isStatus(error, 'NotFound', 'Conflict')) return false;
        events.event(about(owner), 'Warning', 'FailedDelete', `Error deleting: ${errorMessage(error)}`);
        throw error;
      }
    },
  };
}

/** Nothing can be created in a namespace that is being deleted, and nothing needs to be. */
export function isNamespaceTerminating(error: unknown): boolean {
  return hasCause(error, 'NamespaceTerminating');
}
