/**
 * Brings a parsed body into the shape the table prescribes: unknown fields are left out and reported, values
 * of the wrong type are refused, nulls and meaningless zeros disappear, quantities and times become
 * canonical. The result shares nothing with the input.
 *
 * Invariants
 *   API-1  a key `__proto__` never gets past decoding
 *   API-2  conforming is idempotent: what it returns, it returns again
 */
import { assert } from '@kubelab/component-base';
import { DecodeError } from './decode-error.ts';
import { goStructOf, goTypeOf, jsonKindOf } from './go-types.ts';
import { convertScalar, WRONG_TYPE, zeroOf } from './scalars.ts';
import { type Definition, definitionOf, type Field } from './table.ts';
import { isObject } from './values.ts';

export interface Conformed {
  readonly object: Record<string, unknown>;
  /** `unknown field "spec.foo"`, in the order found; at most STRICT_ERRORS_MAX. */
  readonly unknown: string[];
}

/** Upstream stops counting here too. */
const STRICT_ERRORS_MAX = 100;

/** Throws DecodeError when a value has the wrong type. */
export function conform(definitionName: string, value: unknown): Conformed {
  const walk: Walk = { path: [], unknown: [] };
  const definition = definitionOf(definitionName);
  if (!isObject(value)) {
    throw new DecodeError(
      `json: cannot unmarshal ${jsonKindOf(value)} into Go value of type ${goStructOf(definition)}`,
    );
  }
  const object = conformObject(definition, value, walk);
  assert(!Object.hasOwn(object, '__proto__'), 'API-1');
  return { object, unknown: walk.unknown };
}

interface Walk {
  /** Field names, list indexes and map keys from the root to here. */
  readonly path: (string | number)[];
  readonly unknown: string[];
}

function conformObject(
  definition: Definition,
  value: Readonly<Record<string, unknown>>,
  walk: Walk,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    const field = definition.fields.get(key);
    walk.path.push(key);
    if (field === undefined) {
      if (walk.unknown.length < STRICT_ERRORS_MAX) walk.unknown.push(`unknown field "${dotted(walk.path)}"`);
    } else if (given !== null && given !== undefined) {
      const conformed = conformField(field, given, definition, walk);
      const mayDrop = !definition.required.has(key) && !field.zeroIsValue;
      if (conformed !== undefined && !(mayDrop && isZero(field, conformed))) result[key] = conformed;
    }
    walk.path.pop();
  }
  return result;
}

function conformField(field: Field, value: unknown, parent: Definition, walk: Walk): unknown {
  switch (field.type) {
    case 'object':
      if (!isObject(value)) throw wrongType(field, value, parent, walk);
      return conformObject(definitionOf(field.ref ?? ''), value, walk);
    case 'array':
      if (!Array.isArray(value)) throw wrongType(field, value, parent, walk);
      return value.map((item, index) => conformElement(field, item, index, parent, walk));
    case 'map': {
      if (!isObject(value)) throw wrongType(field, value, parent, walk);
      const entries = Object.entries(value)
        .filter(([key]) => key !== '__proto__')
        .map(([key, item]) => [key, conformElement(field, item, key, parent, walk)]);
      return Object.fromEntries(entries) as unknown;
    }
    default: {
      const converted = convertScalar(field.type, value);
      if (converted === WRONG_TYPE) throw wrongType(field, value, parent, walk);
      return converted;
    }
  }
}

/**
 * An element of a list or map. A null there is the zero value, as in Go: there is no leaving out an element.
 */
function conformElement(
  field: Field,
  value: unknown,
  key: string | number,
  parent: Definition,
  walk: Walk,
): unknown {
  const items = field.items;
  if (items === undefined) return value;
  walk.path.push(key);
  const given = value ?? emptyOf(items);
  const element = given === undefined ? null : conformField(items, given, parent, walk);
  walk.path.pop();
  return element;
}

function emptyOf(field: Field): unknown {
  if (field.type === 'object' || field.type === 'map') return {};
  return field.type === 'array' ? [] : zeroOf(field.type);
}

/** What Go's `omitempty` leaves out. An empty object stays: `emptyDir: {}` says something. */
function isZero(field: Field, value: unknown): boolean {
  if (field.type === 'array') return (value as unknown[]).length === 0;
  if (field.type === 'map') return Object.keys(value as object).length === 0;
  return value === '' || value === 0 || value === false;
}

function wrongType(field: Field, value: unknown, parent: Definition, walk: Walk): DecodeError {
  const isNumberOfWrongKind = typeof value === 'number' && /^int\d/.test(field.type);
  const found = isNumberOfWrongKind ? `number ${value}` : jsonKindOf(value);
  const where = `${goStructOf(parent)}.${walk.path.filter((p) => typeof p === 'string').join('.')}`;
  return new DecodeError(
    `json: cannot unmarshal ${found} into Go struct field ${where} of type ${goTypeOf(field)}`,
  );
}

/** `spec.containers[0].image`. */
function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}
