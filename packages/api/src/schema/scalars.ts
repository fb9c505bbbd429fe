import { canonicalQuantity, QuantityError } from '../quantity.ts';
import { DecodeError } from './decode-error.ts';
import type { ScalarType } from './table.ts';

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
/** Beyond 2⁵³ a JSON number has already lost digits; beyond 2⁶³ upstream refuses it. */
const INT64_ABS_MAX = 2 ** 63;

/** Refuses a value of the wrong JSON type; the caller knows the field and words the error. */
export const WRONG_TYPE: unique symbol = Symbol('wrong type');

type Convert = (value: unknown) => unknown;

/**
 * Per scalar type: the value as it is stored, or WRONG_TYPE. Throws DecodeError for the right type with bad
 * content.
 */
const CONVERT: Readonly<Record<ScalarType, Convert>> = {
  any: withoutPrototypeKeys,
  boolean: (value) => (typeof value === 'boolean' ? value : WRONG_TYPE),
  bytes: (value) => (typeof value === 'string' ? base64(value) : WRONG_TYPE),
  double: (value) => (typeof value === 'number' ? value : WRONG_TYPE),
  int32: (value) => (isIntegerWithin(value, INT32_MIN, INT32_MAX) ? value : WRONG_TYPE),
  int64: (value) => (isIntegerWithin(value, -INT64_ABS_MAX, INT64_ABS_MAX) ? value : WRONG_TYPE),
  'int-or-string': (value) =>
    typeof value === 'string' || isIntegerWithin(value, INT32_MIN, INT32_MAX) ? value : WRONG_TYPE,
  'micro-time': (value) => (typeof value === 'string' ? rfc3339(value, MICRO_DIGITS) : WRONG_TYPE),
  quantity: (value) =>
    typeof value === 'string' || typeof value === 'number' ? quantity(value) : WRONG_TYPE,
  string: (value) => (typeof value === 'string' ? value : WRONG_TYPE),
  time: (value) => (typeof value === 'string' ? rfc3339(value, 0) : WRONG_TYPE),
};

export function convertScalar(type: ScalarType, value: unknown): unknown {
  return CONVERT[type](value);
}

/** What Go leaves in a field of this type that JSON says is null. */
export function zeroOf(type: ScalarType): unknown {
  if (type === 'string') return '';
  if (type === 'boolean') return false;
  return type === 'int32' || type === 'int64' || type === 'double' || type === 'int-or-string'
    ? 0
    : undefined;
}

function isIntegerWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function quantity(value: string | number): string {
  try {
    return canonicalQuantity(value);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message);
    throw error;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function base64(text: string): string {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (BASE64.test(joined)) return joined;
  const bad = joined.search(/[^A-Za-z0-9+/]/);
  throw new DecodeError(`illegal base64 data at input byte ${bad === -1 ? joined.length : bad}`);
}

const MICRO_DIGITS = 6;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** Any RFC 3339 time as UTC with so many decimals; the rest is cut off. */
function rfc3339(text: string, digits: number): string | undefined {
  if (text === '' || text === '0001-01-01T00:00:00Z') return undefined;
  const [, seconds = '', fraction = '', zone = ''] = RFC3339.exec(text) ?? [];
  const instant = seconds === '' ? Number.NaN : Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(instant)) {
    const layout = digits === 0 ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new DecodeError(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse it`);
  }
  const wholeSeconds = new Date(instant).toISOString().slice(0, 19);
  return digits === 0
    ? `${wholeSeconds}Z`
    : `${wholeSeconds}.${fraction.slice(0, digits).padEnd(digits, '0')}Z`;
}

/**
 * Free-form JSON keeps everything but `__proto__`, which a later merge could take for the prototype. API-1
 */
function withoutPrototypeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototypeKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__');
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutPrototypeKeys(item)]));
}
