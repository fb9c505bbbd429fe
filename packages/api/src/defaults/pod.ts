import type { Pod, PodSpec, ResourceRequirements } from '../generated/types.ts';
import { defaultPodSpec } from './pod-spec.ts';

/** What only a pod itself gets, not a template: requests follow limits, service links on. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  defaultPodSpec(pod.spec);
  for (const container of [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]) {
    requestWhatIsLimited(container.resources);
  }
  defaultPodLevelRequests(pod.spec);
  pod.spec.enableServiceLinks ??= true;
}

function requestWhatIsLimited(resources: ResourceRequirements | undefined): void {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}

/** With pod-level limits and no container that asks for anything, the pod asks for its limits. */
function defaultPodLevelRequests(spec: PodSpec): void {
  const { resources } = spec;
  if (resources?.limits === undefined) return;
  const asked = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
    Object.keys(container.resources?.requests ?? {}),
  );
  for (const [name, limit] of Object.entries(resources.limits)) {
    if (asked.includes(name)) continue;
    resources.requests ??= {};
    resources.requests[name] ??= limit;
  }
}
