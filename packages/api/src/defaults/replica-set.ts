import type { ReplicaSet } from '../generated/types.ts';
import { defaultPodTemplate } from './pod-spec.ts';

export function defaultReplicaSet(set: ReplicaSet): void {
  if (set.spec === undefined) return;
  defaultPodTemplate(set.spec.template);
  set.spec.replicas ??= 1;
}
