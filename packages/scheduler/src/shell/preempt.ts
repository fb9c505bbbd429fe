import { isStatus, isTerminating, Pod } from '@kubelab/api';
import type { EventRecorder, KubeClient } from '@kubelab/client';
import { type Clock, rfc3339 } from '@kubelab/component-base';
import type { Candidate } from '../core/preemption.ts';
import type { AnyPod } from '../core/pod-info.ts';

/**
 * Ends the victims, each told why by a condition and an event. The preemptor is tried again when they are
 * gone.
 */
export async function evictVictims(
  pod: AnyPod,
  { nodeName, victims }: Candidate,
  deps: { readonly client: KubeClient; readonly events: EventRecorder; readonly clock: Clock },
): Promise<void> {
  const { client, events, clock } = deps;
  await Promise.all(
    victims.map(async ({ pod: victim }) => {
      if (isTerminating(victim)) return;
      const { name, namespace, uid } = victim.metadata;
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: `${pod.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
        lastTransitionTime: rfc3339(clock.now()),
      };
      try {
        await client.patch(
          Pod,
          { name, namespace },
          { metadata: { uid }, status: { conditions: [condition] } },
          { subresource: 'status' },
        );
        await client.delete(Pod, { name, namespace }, { preconditions: { uid } });
        events.event(
          victim,
          'Normal',
          'Preempted',
          `Preempted by pod ${pod.metadata.uid} on node ${nodeName}`,
        );
      } catch (error) {
        // Gone already: what was wanted.
        if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
      }
    }),
  );
}
