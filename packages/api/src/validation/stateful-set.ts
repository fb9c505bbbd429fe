import { forbidden, invalid, required } from '../field-errors.ts';
import type { StatefulSet, StatefulSetSpec } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { type Errors, nonNegative, oneOf } from './checks.ts';
import { validateLongRunningTemplate, validateWorkloadSelector } from './pod-template.ts';

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

export function* validateStatefulSet({ spec }: StatefulSet, old?: StatefulSet): Errors {
  const policy = spec.podManagementPolicy;
  if (!policy) yield required('spec.podManagementPolicy');
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    yield invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'");
  }
  yield* validateUpdateStrategy(spec);
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const field = `spec.persistentVolumeClaimRetentionPolicy.${when}`;
    yield* oneOf(field, spec.persistentVolumeClaimRetentionPolicy?.[when], ['Retain', 'Delete']);
  }
  yield* nonNegative('spec.replicas', spec.replicas);
  yield* nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  yield* nonNegative('spec.ordinals.start', spec.ordinals?.start);
  yield* nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  yield* validateWorkloadSelector(spec.selector, 'statefulset', 'spec.selector');
  yield* validateLongRunningTemplate(spec.template, spec.selector, 'StatefulSet', 'spec.template');
  if (old !== undefined && !semanticEqual(withoutMutable(spec), withoutMutable(old.spec))) {
    const quoted = MUTABLE.map((field) => `'${field}'`);
    const list = `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`;
    yield forbidden('spec', `updates to statefulset spec for fields other than ${list} are forbidden`);
  }
}

function* validateUpdateStrategy({ updateStrategy }: StatefulSetSpec): Errors {
  const path = 'spec.updateStrategy';
  const type = updateStrategy?.type;
  if (!type) yield required(path);
  else if (type === 'OnDelete') {
    if (updateStrategy.rollingUpdate !== undefined) {
      yield invalid(
        `${path}.rollingUpdate`,
        updateStrategy.rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      );
    }
  } else if (type === 'RollingUpdate')
    yield* nonNegative(`${path}.rollingUpdate.partition`, updateStrategy.rollingUpdate?.partition);
  else yield invalid(path, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'");
}

/** Claim templates carry defaults and a status that say nothing about what was asked. */
function withoutMutable(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec };
  for (const field of MUTABLE) delete rest[field];
  rest.volumeClaimTemplates = spec.volumeClaimTemplates?.map((claim) => ({
    metadata: claim.metadata,
    spec: claim.spec,
  }));
  return rest;
}
