/**
 * Makes the promises of the TypeScript types true: what a definition requires is there, empty if need be, as
 * it would be in Go, where a struct's fields always exist. Whether empty will do is for validation to say
 * (`spec.containers: Required value`); code that reads an object need not ask.
 *
 * Invariant
 *   API-5  a decoded object has its metadata, its spec, and every required field that is no pointer upstream
 */
import { type Definition, definitionOf, type Field } from './table.ts';
import { isObject } from './values.ts';

/** Required members that are pointers upstream: their absence is told apart from emptiness. */
const POINTERS = new Set(['LabelSelector', 'LocalObjectReference', 'ParentReference', 'SecretReference']);

/** Changes the object, which must be the caller's own. */
export function complete(definitionName: string, object: Record<string, unknown>): void {
  const definition = definitionOf(definitionName);
  for (const name of requiredOf(definition)) {
    const field = definition.fields.get(name);
    if (field !== undefined && object[name] === undefined) fill(object, name, field);
  }
  for (const [name, field] of definition.fields) completeValue(field, object[name]);
}

function completeValue(field: Field, value: unknown): void {
  if (field.ref !== undefined && isObject(value)) complete(field.ref, value);
  const { items } = field;
  if (items === undefined || typeof value !== 'object' || value === null) return;
  for (const item of Object.values(value)) completeValue(items, item);
}

function requiredOf(definition: Definition): Set<string> {
  const required = new Set(definition.required);
  const hasMetadata = definition.fields.get('metadata')?.ref === 'ObjectMeta';
  if (hasMetadata && definition.fields.has('spec')) required.add('spec');
  if (hasMetadata && definition.gvk !== undefined) required.add('metadata');
  return required;
}

function fill(object: Record<string, unknown>, name: string, field: Field): void {
  const empty = emptyOf(field);
  if (empty !== undefined) object[name] = empty;
}

function emptyOf(field: Field): unknown {
  switch (field.type) {
    case 'object':
      return POINTERS.has(field.ref ?? '') ? undefined : {};
    case 'map':
      return {};
    case 'array':
      return [];
    case 'string':
      return field.zeroIsValue ? undefined : '';
    case 'boolean':
      return field.zeroIsValue ? undefined : false;
    case 'int32':
    case 'int64':
      return field.zeroIsValue ? undefined : 0;
    default:
      return undefined;
  }
}
