/** The status an object starts with, whatever its creator wrote. */
import type { Namespace, Node, PersistentVolumeClaim, Pod } from '../generated/types.ts';
import { type NamedResource, qualifiedResource } from '../errors.ts';
import { podQosClass } from '../helpers/pod-resources.ts';
import type { KubeObject } from '../meta.ts';

type First = (object: never) => unknown;

/** Kinds with required counters or a phase; every other kind with a status starts with `{}`. */
const FIRST: Readonly<Record<string, First>> = {
  pods: firstPodStatus,
  namespaces: (): Namespace['status'] => ({ phase: 'Active' }),
  // The kubelet registers its node with the status it has.
  nodes: (node: Node) => node.status ?? {},
  persistentvolumeclaims: (): PersistentVolumeClaim['status'] => ({ phase: 'Pending' }),
  persistentvolumes: () => ({ phase: 'Pending' }),
  replicationcontrollers: () => ({ replicas: 0 }),
  services: () => ({ loadBalancer: {} }),
  'daemonsets.apps': () => ({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  }),
  'replicasets.apps': () => ({ replicas: 0 }),
  'statefulsets.apps': () => ({ availableReplicas: 0, replicas: 0 }),
  'horizontalpodautoscalers.autoscaling': () => ({ desiredReplicas: 0 }),
  'ingresses.networking.k8s.io': () => ({ loadBalancer: {} }),
};

export function firstStatus(rt: NamedResource, object: KubeObject): unknown {
  // The key chose the function for this very kind.
  return FIRST[qualifiedResource(rt)]?.(object as never) ?? {};
}

function firstPodStatus(pod: Pod): Pod['status'] {
  const status: Pod['status'] = { phase: 'Pending', qosClass: podQosClass(pod) };
  if ((pod.spec.schedulingGates ?? []).length === 0) return status;
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  status.conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message }];
  return status;
}
