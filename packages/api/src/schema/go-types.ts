import type { Definition, Field } from './table.ts';
import { definitionOf } from './table.ts';

/**
 * Upstream's decode errors name Go types; these are the names a field has there. Named string types are lost
 * in the description.
 */
const GO_SCALARS: Readonly<Record<string, string>> = {
  any: 'runtime.RawExtension',
  boolean: 'bool',
  bytes: '[]uint8',
  double: 'float64',
  'int-or-string': 'intstr.IntOrString',
  'micro-time': 'v1.MicroTime',
  quantity: 'resource.Quantity',
  time: 'v1.Time',
};

export function goTypeOf(field: Field): string {
  if (field.type === 'array')
    return `[]${field.items === undefined ? 'interface {}' : goTypeOf(field.items)}`;
  if (field.type === 'map')
    return `map[string]${field.items === undefined ? 'string' : goTypeOf(field.items)}`;
  if (field.type === 'object' && field.ref !== undefined) return qualified(definitionOf(field.ref));
  return GO_SCALARS[field.type] ?? field.type;
}

/** `io.k8s.api.core.v1.PodSpec` → `PodSpec`. */
export function goStructOf(definition: Definition): string {
  return definition.id.slice(definition.id.lastIndexOf('.') + 1);
}

function qualified(definition: Definition): string {
  return definition.id.split('.').slice(-2).join('.');
}

/** What Go's decoder calls a JSON value it did not expect. */
export function jsonKindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}
