/** Labels, annotations and label selectors (`apimachinery/pkg/apis/meta/v1/validation`). */
import { forbidden, invalid, required, tooLong } from '../field-errors.ts';
import type { LabelSelector } from '../generated/types.ts';
import { labelValueErrors, qualifiedNameErrors } from '../names.ts';
import { because, type Errors } from './checks.ts';

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export function* validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): Errors {
  for (const [key, value] of Object.entries(labels ?? {})) {
    yield* because(path, key, qualifiedNameErrors(key));
    yield* because(path, value, labelValueErrors(value));
  }
}

export function* validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): Errors {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    yield* because(path, key, qualifiedNameErrors(key.toLowerCase()));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) yield tooLong(path, ANNOTATIONS_BYTES_MAX);
}

export function* validateLabelSelector(selector: LabelSelector | undefined, path: string): Errors {
  yield* validateLabels(selector?.matchLabels, `${path}.matchLabels`);
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0)
          yield required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          yield forbidden(
            `${at}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          );
        }
        break;
      default:
        yield invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator');
    }
    yield* because(`${at}.key`, key ?? '', qualifiedNameErrors(key ?? ''));
    for (const [i, value] of values.entries())
      yield* because(`${at}.values[${i}]`, value, labelValueErrors(value));
  }
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
