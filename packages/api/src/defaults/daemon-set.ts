import type { DaemonSet } from '../generated/types.ts';
import { defaultPodTemplate } from './pod-spec.ts';

export function defaultDaemonSet(set: DaemonSet): void {
  const spec = set.spec;
  if (spec === undefined) return;
  defaultPodTemplate(spec.template);
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
}
