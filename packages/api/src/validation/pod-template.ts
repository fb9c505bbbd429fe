/**
 * What every workload asks of its pod template: labels that its selector matches, and a fitting restart
 * policy.
 */
import { forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { LabelSelector, PodTemplateSpec } from '../generated/types.ts';
import { labelSelectorMatcher } from '../selectors/labels.ts';
import type { Errors } from './checks.ts';
import { isEmptySelector, validateLabelSelector } from './labels.ts';
import { validatePodTemplateSpec } from './pod-spec.ts';

/** `kind` as people write it: `ReplicaSet`. */
export function* validateLongRunningTemplate(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  kind: string,
  path: string,
): Errors {
  if (template === undefined) {
    yield required(path);
    return;
  }
  yield* validateTemplateLabels(template, selector, path);
  yield* validatePodTemplateSpec(template, path);
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== 'Always')
    yield notSupported(`${path}.spec.restartPolicy`, restartPolicy ?? '', ['Always']);
  if (activeDeadlineSeconds !== undefined) {
    yield forbidden(
      `${path}.spec.activeDeadlineSeconds`,
      `activeDeadlineSeconds in ${kind} is not Supported`,
    );
  }
}

export function* validateTemplateLabels(
  template: PodTemplateSpec,
  selector: LabelSelector | undefined,
  path: string,
): Errors {
  if (selector === undefined || isEmptySelector(selector) || hasErrors(selector)) return;
  const labels = template.metadata?.labels;
  if (labelSelectorMatcher(selector).matches(labels)) return;
  yield invalid(`${path}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`');
}

function hasErrors(selector: LabelSelector): boolean {
  return [...validateLabelSelector(selector, '')].length > 0;
}

/** A selector that must be there and must select something. `kind` in lower case. */
export function* validateWorkloadSelector(
  selector: LabelSelector | undefined,
  kind: string,
  path: string,
): Errors {
  if (selector === undefined) {
    yield required(path);
    return;
  }
  yield* validateLabelSelector(selector, path);
  if (isEmptySelector(selector)) yield invalid(path, selector, `empty selector is invalid for ${kind}`);
}
