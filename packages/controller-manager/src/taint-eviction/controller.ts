/**
 * Taint eviction controller — deletes pods that do not tolerate (any longer) a NoExecute taint of their node.
 * Reads: nodes, pods (cache).  Writes: pods/status (DisruptionTarget), pod deletions.
 * Invariants
 *   TE-1  a pod is deleted only while its node, as last seen, has a taint that its tolerations do not cover
 *   TE-2  tolerationSeconds run on our own clock from when we first saw pod and taint together: a restart of
 *         ours starts them anew
 */
import { isTerminating, Node, objectKey, Pod, semanticEqual } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey } from '@kubelab/client';
import { assert, rfc3339 } from '@kubelab/component-base';
import { indexByNode, podsOn } from '../shared/node-index.ts';
import { refOf, type Seen } from '../shared/objects.ts';
import { setPodCondition } from '../shared/pod-condition.ts';
import type { SeenPod } from '../shared/pods.ts';
import { ifThere } from '../shared/writes.ts';
import { hasNoExecute, stayUnder } from './plan.ts';

const WORKERS = 16;
const DISRUPTION_TARGET = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
};

export function taintEvictionController({
  client,
  informers,
  events,
  clock,
}: ControllerDeps): ControllerSpec {
  const nodes = informers.of(Node);
  const pods = informers.of(Pod);
  /** Since when a pod has been tolerating its node's taints for a while only. */
  const tolerating = new Map<ObjectKey, { readonly uid: string; readonly sinceMs: number }>();
  indexByNode(pods);

  return {
    name: 'taint-eviction-controller',
    workers: WORKERS,
    watch(enqueue) {
      const wakePods = (node: Seen<Node>) => {
        for (const pod of podsOn(pods, node.metadata.name)) enqueue(objectKey(pod));
      };
      const wakePod = (pod: SeenPod) => {
        if (hasNoExecute(nodes.get(pod.spec.nodeName ?? '')?.spec.taints)) enqueue(objectKey(pod));
      };
      nodes.addHandler({
        onAdd: (node) => hasNoExecute(node.spec.taints) && wakePods(node),
        onUpdate: (old, node) => !semanticEqual(old.spec.taints, node.spec.taints) && wakePods(node),
      });
      pods.addHandler({
        onAdd: wakePod,
        onUpdate: (old, pod) => {
          const moved = old.spec.nodeName !== pod.spec.nodeName;
          if (moved || !semanticEqual(old.spec.tolerations, pod.spec.tolerations)) wakePod(pod);
        },
        onDelete: (pod) => tolerating.delete(objectKey(pod)),
      });
    },
    async reconcile(key) {
      const pod = pods.get(key);
      if (pod === undefined || isTerminating(pod)) {
        tolerating.delete(key);
        return done;
      }
      const taints = nodes.get(pod.spec.nodeName ?? '')?.spec.taints ?? [];
      const stay = stayUnder(taints, pod.spec.tolerations ?? []);
      if (stay === 'forever') {
        if (tolerating.delete(key)) tell(pod, `Cancelling deletion of Pod ${key}`);
        return done;
      }
      if (stay !== 'now') {
        const leftMs = sinceMs(key, pod) + stay.ms - clock.monotonic();
        if (leftMs > 0) return { requeueAfterMs: leftMs };
      }
      assert(hasNoExecute(taints), 'TE-1');
      tolerating.delete(key);
      tell(pod, `Marking for deletion Pod ${key}`);
      await evict(pod);
      return done;
    },
  };

  function sinceMs(key: ObjectKey, pod: SeenPod): number {
    const known = tolerating.get(key);
    if (known?.uid === pod.metadata.uid) return known.sinceMs;
    const sinceMsNow = clock.monotonic();
    tolerating.set(key, { uid: pod.metadata.uid, sinceMs: sinceMsNow });
    return sinceMsNow;
  }

  async function evict(pod: SeenPod): Promise<void> {
    await ifThere(async () => {
      await setPodCondition(client, pod, DISRUPTION_TARGET, rfc3339(clock.now()));
      await client.delete(Pod, refOf(pod), { preconditions: { uid: pod.metadata.uid } });
    });
  }

  function tell(pod: SeenPod, message: string): void {
    events.event(
      { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata },
      'Normal',
      'TaintManagerEviction',
      message,
    );
  }
}
