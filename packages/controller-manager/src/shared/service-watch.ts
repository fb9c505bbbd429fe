import { labelSetMatcher, objectKey, type Pod, semanticEqual, type Service } from '@kubelab/api';
import type { Informer, ObjectKey } from '@kubelab/client';
import { endpointFacts, type SeenService } from './endpoint-address.ts';
import type { SeenPod } from './pods.ts';
import { type Enqueue, enqueueSelf } from './watching.ts';

/** Wakes a Service by its own changes and by those changes of pods that matter to it, before or after. */
export function watchServicesAndPods(
  services: Informer<Service>,
  pods: Informer<Pod>,
  enqueue: Enqueue,
): void {
  enqueueSelf(services, enqueue);
  const wake = (pod: SeenPod, already = new Set<ObjectKey>()): Set<ObjectKey> => {
    for (const service of services.byNamespace(pod.metadata.namespace ?? '')) {
      const key = objectKey(service);
      if (already.has(key) || !isSelected(service, pod)) continue;
      already.add(key);
      enqueue(key);
    }
    return already;
  };
  pods.addHandler({
    onAdd: (pod) => void wake(pod),
    onUpdate: (old, pod) => {
      if (semanticEqual(endpointFacts(old), endpointFacts(pod))) return;
      const woken = wake(pod);
      if (!semanticEqual(old.metadata.labels, pod.metadata.labels)) wake(old, woken);
    },
    onDelete: (pod) => void wake(pod),
  });
}

/** A Service without a selector has its endpoints made by somebody else. */
export function hasSelector(service: SeenService): boolean {
  return service.spec.selector !== undefined && Object.keys(service.spec.selector).length > 0;
}

export function isSelected(service: SeenService, pod: SeenPod): boolean {
  return hasSelector(service) && labelSetMatcher(service.spec.selector).matches(pod.metadata.labels);
}

export function podsOfService(service: SeenService, pods: Informer<Pod>): SeenPod[] {
  const matcher = labelSetMatcher(service.spec.selector);
  return pods
    .byNamespace(service.metadata.namespace ?? '')
    .filter((pod) => matcher.matches(pod.metadata.labels));
}
