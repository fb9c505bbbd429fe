import { isConditionTrue, isPodTerminal, isTerminating, type Node } from '@kubelab/api';
import { byCreation, type Seen } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

export const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export interface GcView {
  readonly pods: readonly SeenPod[];
  readonly nodes: ReadonlyMap<string, Seen<Node>>;
  /** Nodes that pods name, that do not exist, and have not for the quarantine. */
  readonly lostNodes: ReadonlySet<string>;
  readonly terminatedThreshold: number;
}

export interface Collectable {
  readonly pod: SeenPod;
  /** Undefined: the pod ended by itself, nothing is to be said about a disruption. */
  readonly disruption?: { readonly reason: string; readonly message: string };
}

/** Pods that nobody will take away any more, each once (upstream's four passes in their order). */
export function collectablePods({ pods, nodes, lostNodes, terminatedThreshold }: GcView): Collectable[] {
  const found = new Map<string, Collectable>();
  const add = (pod: SeenPod, disruption?: Collectable['disruption']) => {
    if (found.has(pod.metadata.uid)) return;
    found.set(pod.metadata.uid, disruption === undefined ? { pod } : { pod, disruption });
  };
  const terminated = pods.filter((pod) => isPodTerminal(pod) && !isTerminating(pod)).toSorted(byCreation);
  if (terminatedThreshold > 0) {
    for (const pod of terminated.slice(0, Math.max(0, terminated.length - terminatedThreshold))) add(pod);
  }
  for (const pod of pods) {
    const node = nodes.get(pod.spec.nodeName ?? '');
    if (isTerminating(pod) && node !== undefined && isOutOfService(node)) add(pod);
    else if (lostNodes.has(pod.spec.nodeName ?? '')) {
      add(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' });
    } else if (isTerminating(pod) && (pod.spec.nodeName ?? '') === '') add(pod);
  }
  return [...found.values()];
}

function isOutOfService(node: Seen<Node>): boolean {
  const isTainted = (node.spec.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE);
  return isTainted && !isConditionTrue(node.status?.conditions, 'Ready');
}
