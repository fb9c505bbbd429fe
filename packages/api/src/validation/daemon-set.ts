import { invalid, required } from '../field-errors.ts';
import type { DaemonSet } from '../generated/types.ts';
import { type Errors, immutable, intOrPercent, nonNegative, notMoreThanAll, oneOf } from './checks.ts';
import { isZero } from './deployment.ts';
import { validateLongRunningTemplate, validateWorkloadSelector } from './pod-template.ts';

export function* validateDaemonSet({ spec }: DaemonSet, old?: DaemonSet): Errors {
  yield* validateWorkloadSelector(spec.selector, 'daemonset', 'spec.selector');
  yield* validateLongRunningTemplate(spec.template, spec.selector, 'DaemonSet', 'spec.template');
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  yield* oneOf('spec.updateStrategy.type', spec.updateStrategy?.type, ['OnDelete', 'RollingUpdate']);
  if (spec.updateStrategy?.type === 'RollingUpdate')
    yield* validateRollingUpdate(spec.updateStrategy.rollingUpdate);
  yield* nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  if (old !== undefined) yield* immutable('spec.selector', spec.selector, old.spec.selector);
}

type RollingUpdate = NonNullable<DaemonSet['spec']['updateStrategy']>['rollingUpdate'];

/** A node's port and name are taken by its pod: either one goes first, or the other comes first. */
function* validateRollingUpdate(update: RollingUpdate): Errors {
  const path = 'spec.updateStrategy.rollingUpdate';
  if (update === undefined) {
    yield required(path);
    return;
  }
  const { maxUnavailable, maxSurge } = update;
  for (const [field, value] of Object.entries({ maxUnavailable, maxSurge })) {
    yield* intOrPercent(`${path}.${field}`, value);
    yield* notMoreThanAll(`${path}.${field}`, value);
  }
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    yield invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
  }
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    yield required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
  }
}
