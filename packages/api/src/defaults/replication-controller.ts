import type { ReplicationController } from '../generated/types.ts';
import { defaultPodTemplate } from './pod-spec.ts';

/** The oldest of the workloads: selector and labels follow the template when they are not given. */
export function defaultReplicationController(controller: ReplicationController): void {
  controller.spec ??= {};
  defaultPodTemplate(controller.spec.template);
  controller.spec.replicas ??= 1;
  const labels = controller.spec.template?.metadata?.labels;
  if (labels === undefined) return;
  if (isEmpty(controller.spec.selector)) controller.spec.selector = { ...labels };
  if (isEmpty(controller.metadata.labels)) controller.metadata.labels = { ...labels };
}

function isEmpty(map: Record<string, string> | undefined): boolean {
  return map === undefined || Object.keys(map).length === 0;
}
