import { getCondition, Pod, type PodCondition } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { refOf } from './objects.ts';
import type { SeenPod } from './pods.ts';

/**
 * Sets one condition of this very pod (by uid). Conditions of other types are somebody else's and stay as they
 * are on the server, so that two controllers who speak about one pod at once never wait for each other.
 */
export async function setPodCondition(
  client: KubeClient,
  pod: SeenPod,
  condition: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>,
  nowText: string,
): Promise<void> {
  const old = getCondition(pod.status?.conditions, condition.type);
  const isSameStatus = old?.status === condition.status;
  const lastTransitionTime = (isSameStatus ? old.lastTransitionTime : undefined) ?? nowText;
  const patch = {
    metadata: { uid: pod.metadata.uid },
    status: { conditions: [{ ...condition, lastTransitionTime }] },
  };
  await client.patch(Pod, refOf(pod), patch, { type: 'strategic', subresource: 'status' });
}
