import { forbidden, invalid, required } from '../field-errors.ts';
import type { Deployment, DeploymentStrategy } from '../generated/types.ts';
import { type Errors, immutable, intOrPercent, nonNegative, notMoreThanAll, oneOf } from './checks.ts';
import { validateLongRunningTemplate, validateWorkloadSelector } from './pod-template.ts';

export function* validateDeployment({ spec }: Deployment, old?: Deployment): Errors {
  yield* nonNegative('spec.replicas', spec.replicas);
  yield* validateWorkloadSelector(spec.selector, 'deployment', 'spec.selector');
  yield* validateLongRunningTemplate(spec.template, spec.selector, 'ReplicaSet', 'spec.template');
  yield* validateStrategy(spec.strategy ?? {}, 'spec.strategy');
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  yield* nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  yield* nonNegative('spec.progressDeadlineSeconds', deadline);
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    yield invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
  }
  if (old !== undefined) yield* immutable('spec.selector', spec.selector, old.spec.selector);
}

function* validateStrategy(strategy: DeploymentStrategy, path: string): Errors {
  const { type, rollingUpdate } = strategy;
  yield* oneOf(`${path}.type`, type, ['Recreate', 'RollingUpdate']);
  if (type === 'Recreate' && rollingUpdate !== undefined) {
    yield forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
  }
  if (type !== 'RollingUpdate') return;
  if (rollingUpdate === undefined) {
    yield required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil');
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  yield* intOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  yield* intOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge);
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    yield invalid(
      `${path}.rollingUpdate.maxUnavailable`,
      maxUnavailable,
      'may not be 0 when `maxSurge` is 0',
    );
  }
  yield* notMoreThanAll(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
}

export function isZero(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || value === '0%';
}
