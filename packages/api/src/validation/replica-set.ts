import { required } from '../field-errors.ts';
import type { ReplicaSet, ReplicationController } from '../generated/types.ts';
import { type Errors, immutable, nonNegative } from './checks.ts';
import { validateLongRunningTemplate, validateWorkloadSelector } from './pod-template.ts';

export function* validateReplicaSet({ spec }: ReplicaSet, old?: ReplicaSet): Errors {
  yield* nonNegative('spec.replicas', spec.replicas);
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  yield* validateWorkloadSelector(spec.selector, 'replicaset', 'spec.selector');
  yield* validateLongRunningTemplate(spec.template, spec.selector, 'ReplicaSet', 'spec.template');
  if (old !== undefined) yield* immutable('spec.selector', spec.selector, old.spec.selector);
}

export function* validateReplicationController({ spec }: ReplicationController): Errors {
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  if (Object.keys(spec.selector ?? {}).length === 0) yield required('spec.selector');
  yield* nonNegative('spec.replicas', spec.replicas);
  const selector = { matchLabels: spec.selector };
  yield* validateLongRunningTemplate(spec.template, selector, 'ReplicationController', 'spec.template');
}
