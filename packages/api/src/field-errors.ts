/**
 * Field errors: what validation says about one field of an object, in upstream's words
 * (`k8s.io/apimachinery/pkg/util/validation/field`).
 */

/** The values `Status.details.causes[].reason` takes for an invalid object. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** Path as people write it: `spec.containers[0].image`. */
  readonly field: string;
  readonly badValue?: unknown;
  readonly detail?: string | undefined;
}

const TITLES: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

/** Types whose message does not repeat the value that was sent. */
const WITHOUT_VALUE: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
]);

export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, detail };
}

export function invalid(field: string, badValue: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, badValue, detail };
}

export function typeInvalid(field: string, badValue: unknown, detail: string): FieldError {
  return { type: 'FieldValueTypeInvalid', field, badValue, detail };
}

export function notSupported(field: string, badValue: unknown, supported: Iterable<string>): FieldError {
  const values = [...supported].map((value) => JSON.stringify(value));
  const detail = values.length > 0 ? `supported values: ${values.join(', ')}` : '';
  return { type: 'FieldValueNotSupported', field, badValue, detail };
}

export function duplicate(field: string, badValue: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, badValue };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, detail };
}

export function tooLong(field: string, bytesMax: number): FieldError {
  const unit = bytesMax === 1 ? 'byte' : 'bytes';
  return { type: 'FieldValueTooLong', field, detail: `may not be more than ${bytesMax} ${unit}` };
}

export function tooMany(field: string, count: number, countMax: number): FieldError {
  const unit = countMax === 1 ? 'item' : 'items';
  return {
    type: 'FieldValueTooMany',
    field,
    badValue: count,
    detail: `must have at most ${countMax} ${unit}`,
  };
}

export function fieldNotFound(field: string, badValue: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, badValue };
}

export function fieldInternalError(field: string, detail: string): FieldError {
  return { type: 'InternalError', field, detail };
}

/** The message without the path: what a cause of a Status carries. */
export function fieldErrorBody(error: FieldError): string {
  const title = TITLES[error.type];
  const head = WITHOUT_VALUE.has(error.type) ? title : `${title}: ${valueText(error.badValue)}`;
  return error.detail ? `${head}: ${error.detail}` : head;
}

/** `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function fieldErrorMessage(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}

/** One message alone, several as `[a, b]`; the same message is said once. */
export function fieldErrorsMessage(list: readonly FieldError[]): string {
  return aggregateMessages(list.map(fieldErrorMessage));
}

/** Upstream's `Aggregate.Error()`. */
export function aggregateMessages(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}

/** Strings quoted, numbers and booleans plain, the rest as JSON, nothing as `null`. */
function valueText(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
