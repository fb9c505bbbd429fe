/**
 * From what the watches tell to the cache, the queue and the events that wake pods: upstream's event
 * handlers.
 */
import {
  isPodTerminal,
  isTerminating,
  Namespace,
  Node,
  objectKey,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  semanticEqual,
  StorageClass,
} from '@kubelab/api';
import type { Handlers, Informer, InformerFactory } from '@kubelab/client';
import type { SchedulerCache } from '../core/cache.ts';
import type { ClusterEvent } from '../core/framework.ts';
import type { AnyNode } from '../core/node-info.ts';
import type { Nominator } from '../core/nominations.ts';
import { type AnyPod, podInfoOf } from '../core/pod-info.ts';
import type { SchedulingQueue } from '../core/queue.ts';

export interface EventSinks {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  isOurs(schedulerName: string | undefined): boolean;
  nowMs(): number;
  /** Something may be there to do. */
  wake(): void;
}

/** Pods that are done take no room and need no node: they are not even sent to us. */
const LIVE_PODS = { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' };

/** Gives the informer of pods. */
export function watchCluster(informers: InformerFactory, sinks: EventSinks): Informer<Pod> {
  const { cache, queue, nominator } = sinks;
  const pods = informers.filtered(Pod, LIVE_PODS);
  pods.addHandler({
    onAdd: (pod) => setPod(undefined, pod),
    onUpdate: setPod,
    onDelete: removePod,
  });
  informers.of(Node).addHandler({
    onAdd(node) {
      cache.setNode(node);
      happened('NodeAdd');
    },
    onUpdate(old, node) {
      cache.setNode(node);
      happened(...nodeEvents(old, node));
    },
    onDelete: (node) => cache.removeNode(node.metadata.name),
  });
  const volumeChanged = anyChange(() => happened('Volume'));
  informers.of(PersistentVolumeClaim).addHandler(volumeChanged);
  informers.of(PersistentVolume).addHandler(volumeChanged);
  informers.of(StorageClass).addHandler(volumeChanged);
  informers.of(Namespace).addHandler({
    onAdd: () => happened('Namespace'),
    onUpdate: (old, { metadata }) =>
      !semanticEqual(old.metadata.labels, metadata.labels) && happened('Namespace'),
  });
  return pods;

  function happened(...events: readonly ClusterEvent[]): void {
    for (const event of events) queue.moveOn(event, sinks.nowMs());
    sinks.wake();
  }

  function setPod(old: AnyPod | undefined, pod: AnyPod): void {
    if (isPodTerminal(pod)) removePod(pod);
    else if (isAssigned(pod)) setAssigned(old, pod);
    else if (sinks.isOurs(pod.spec.schedulerName)) setWaiting(old, pod);
  }

  function setAssigned(old: AnyPod | undefined, pod: AnyPod): void {
    const key = objectKey(pod);
    queue.delete(key);
    nominator.drop(key);
    cache.setPod(pod);
    if (old === undefined || !isAssigned(old)) happened('AssignedPodAdd');
    else if (!isSameToOthers(old, pod)) happened('AssignedPodUpdate');
  }

  function setWaiting(old: AnyPod | undefined, pod: AnyPod): void {
    const key = objectKey(pod);
    // Its binding is on the way.
    if (cache.isAssumed(key)) return;
    if (isTerminating(pod)) {
      queue.delete(key);
      return;
    }
    const nominated = pod.status?.nominatedNodeName ?? '';
    if (nominated !== '') nominator.nominate(podInfoOf(pod), nominated);
    if (old === undefined) queue.add(pod);
    else queue.update(pod, !isSameToUs(old, pod), sinks.nowMs());
    sinks.wake();
  }

  function removePod(pod: AnyPod): void {
    const key = objectKey(pod);
    queue.delete(key);
    nominator.drop(key);
    const hadPlace = cache.hasPod(key);
    cache.removePod(key);
    if (hadPlace) happened('AssignedPodDelete');
  }
}

function isAssigned(pod: AnyPod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

/** Nothing that a rule for another pod looks at. */
function isSameToOthers(old: AnyPod, pod: AnyPod): boolean {
  return (
    isTerminating(old) === isTerminating(pod) &&
    semanticEqual(old.metadata.labels, pod.metadata.labels) &&
    semanticEqual(old.spec.containers.map(resources), pod.spec.containers.map(resources))
  );
}

function resources(container: AnyPod['spec']['containers'][number]) {
  return container.resources;
}

/** Nothing that a rule for this pod looks at: its status, which we write ourselves, must not wake it. */
function isSameToUs(old: AnyPod, pod: AnyPod): boolean {
  return semanticEqual(old.spec, pod.spec) && semanticEqual(old.metadata.labels, pod.metadata.labels);
}

export function nodeEvents(old: AnyNode, node: AnyNode): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  if (!semanticEqual(old.metadata.labels, node.metadata.labels)) events.push('NodeLabel');
  const wasCordoned = old.spec?.unschedulable === true;
  const isCordoned = node.spec?.unschedulable === true;
  if (wasCordoned !== isCordoned || !semanticEqual(old.spec?.taints, node.spec?.taints))
    events.push('NodeTaint');
  if (!semanticEqual(old.status?.allocatable, node.status?.allocatable)) events.push('NodeAllocatable');
  return events;
}

function anyChange(changed: () => void): Handlers<never> {
  return { onAdd: changed, onUpdate: changed, onDelete: changed };
}
