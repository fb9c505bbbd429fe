import { invalid, required } from '../field-errors.ts';
import type { Job, JobSpec } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { type Errors, immutable, nonNegative, oneOf } from './checks.ts';
import { validateLabelSelector } from './labels.ts';
import { validatePodTemplateSpec } from './pod-spec.ts';
import { validateTemplateLabels } from './pod-template.ts';

const INDEXED_PARALLELISM_MAX = 100_000;

export function* validateJob(job: Job, old?: Job): Errors {
  const { spec } = job;
  yield* validateJobSpec(spec, 'spec');
  if (spec.selector === undefined) yield required('spec.selector');
  else yield* validateLabelSelector(spec.selector, 'spec.selector');
  if (spec.template !== undefined)
    yield* validateTemplateLabels(spec.template, spec.selector, 'spec.template');
  if (old !== undefined) yield* validateJobUpdate(job, old);
}

/** What jobs and the templates of cron jobs share. */
export function* validateJobSpec(spec: JobSpec, path: string): Errors {
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  for (const field of counts) yield* nonNegative(`${path}.${field}`, spec[field]);
  yield* validateCompletionMode(spec, path);
  yield* validatePolicies(spec, path);
  if (spec.template === undefined) {
    yield required(`${path}.template`);
    return;
  }
  yield* validatePodTemplateSpec(spec.template, `${path}.template`);
  if (spec.template.spec.restartPolicy === 'Always') {
    yield required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"');
  }
}

function* validateCompletionMode(spec: JobSpec, path: string): Errors {
  if (spec.completionMode === undefined) return;
  yield* oneOf(`${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed']);
  if (spec.completionMode === 'Indexed') {
    if (spec.completions === undefined)
      yield required(`${path}.completions`, 'when completion mode is Indexed');
    if ((spec.parallelism ?? 0) > INDEXED_PARALLELISM_MAX) {
      const why = `must be less than or equal to ${INDEXED_PARALLELISM_MAX} when completion mode is Indexed`;
      yield invalid(`${path}.parallelism`, spec.parallelism, why);
    }
  } else {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined)
        yield invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode');
    }
  }
}

function* validatePolicies(spec: JobSpec, path: string): Errors {
  if (spec.podReplacementPolicy !== undefined) {
    const supported = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
    yield* oneOf(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, supported);
  }
  if (spec.podFailurePolicy === undefined) return;
  const at = `${path}.podFailurePolicy`;
  if (spec.template?.spec.restartPolicy !== 'Never') {
    const why = 'only "Never" is supported when podFailurePolicy is specified';
    yield invalid(`${path}.template.spec.restartPolicy`, spec.template?.spec.restartPolicy ?? '', why);
  }
  for (const [index, rule] of (spec.podFailurePolicy.rules ?? []).entries()) {
    const rulePath = `${at}.rules[${index}]`;
    yield* oneOf(`${rulePath}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore']);
    const hasCodes = rule.onExitCodes !== undefined;
    const hasConditions = (rule.onPodConditions ?? []).length > 0;
    if (hasCodes && hasConditions)
      yield invalid(rulePath, null, 'specifying both OnExitCodes and OnPodConditions is not supported');
    if (!hasCodes && !hasConditions)
      yield invalid(rulePath, null, 'specifying one of OnExitCodes and OnPodConditions is required');
    if (rule.onExitCodes !== undefined) {
      yield* oneOf(`${rulePath}.onExitCodes.operator`, rule.onExitCodes.operator, ['In', 'NotIn']);
      if ((rule.onExitCodes.values ?? []).length === 0) {
        yield invalid(`${rulePath}.onExitCodes.values`, [], 'at least one value is required');
      }
    }
  }
}

function* validateJobUpdate({ spec, status }: Job, old: Job): Errors {
  yield* validateCompletionsUpdate(spec, old.spec);
  yield* immutable('spec.selector', spec.selector, old.spec.selector);
  yield* validateTemplateUpdate(spec, old, status?.startTime !== undefined);
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    yield* immutable(`spec.${field}`, spec[field], old.spec[field]);
  }
}

/** An indexed job may be resized as long as it does all its indexes at once. */
function* validateCompletionsUpdate(spec: JobSpec, old: JobSpec): Errors {
  if (spec.completions === old.completions) return;
  const isElastic =
    spec.completionMode === 'Indexed' && spec.completions !== undefined && old.completions !== undefined;
  if (isElastic) {
    if (spec.completions !== spec.parallelism) {
      const why = `can only be modified in tandem with spec.parallelism`;
      yield invalid('spec.completions', spec.completions, why);
    }
  } else yield invalid('spec.completions', spec.completions ?? null, 'field is immutable');
}

/** Until a suspended job first starts, where its pods may run can still change. */
function* validateTemplateUpdate(spec: JobSpec, old: Job, hasStarted: boolean): Errors {
  if (semanticEqual(spec.template, old.spec.template)) return;
  const isOpen = old.spec.suspend === true && !hasStarted;
  if (isOpen && semanticEqual(fixedPart(spec), fixedPart(old.spec))) return;
  yield invalid('spec.template', spec.template, 'field is immutable');
}

function fixedPart({ template }: JobSpec): unknown {
  const { metadata, spec } = template;
  const { affinity, nodeSelector: _n, tolerations: _t, schedulingGates: _g, ...fixed } = spec;
  return {
    metadata: { ...metadata, labels: undefined, annotations: undefined },
    spec: { ...fixed, affinity: { ...affinity, nodeAffinity: undefined } },
  };
}
