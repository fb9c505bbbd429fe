import { ZERO_IS_A_VALUE } from './zero-values.ts';
import { type Definition, type Property, refTarget, type Swagger } from './swagger.ts';

/**
 * One field of `generated/schema.json`. Scalars are written as a bare string (`"string"`, `"int32"`), which
 * keeps the table small; a leading `*` (after Go's pointers) says that zero is a value of its own. What needs
 * more words is an object.
 */
export type FieldRow = string | FieldObject;

export interface FieldObject {
  type: string;
  ref?: string;
  items?: FieldRow;
  listType?: string;
  listMapKeys?: readonly string[];
  mapType?: string;
  mergeKey?: string;
  patchStrategy?: string;
}

/** One definition of `generated/schema.json`. */
export interface DefinitionRow {
  /** The full name in OpenAPI documents. */
  id: string;
  fields: Record<string, FieldRow>;
  required?: readonly string[];
  gvk?: readonly (readonly [group: string, version: string, kind: string])[];
  mapType?: string;
}

/** Definitions that are values of their own kind rather than objects with fields. */
const SCALARS: Readonly<Record<string, string>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'micro-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'any',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
};

export function isScalar(id: string): boolean {
  return Object.hasOwn(SCALARS, id);
}

/** The compact table: short name → definition. */
export function schemaTable(
  swagger: Swagger,
  names: ReadonlyMap<string, string>,
): Record<string, DefinitionRow> {
  const table: Record<string, DefinitionRow> = {};
  for (const [id, name] of names) {
    if (isScalar(id)) continue;
    const pointers = ZERO_IS_A_VALUE[name] ?? [];
    table[name] = definitionRow(id, swagger.definitions[id] ?? {}, names, pointers);
  }
  return table;
}

function definitionRow(
  id: string,
  definition: Definition,
  names: ReadonlyMap<string, string>,
  pointers: readonly string[],
): DefinitionRow {
  const fields = Object.entries(definition.properties ?? {}).map(([name, property]): [string, FieldRow] => {
    const row = fieldRow(property, names);
    return [name, typeof row === 'string' && pointers.includes(name) ? `*${row}` : row];
  });
  const gvks = definition['x-kubernetes-group-version-kind'];
  const mapType = definition['x-kubernetes-map-type'];
  return {
    id,
    fields: Object.fromEntries(fields),
    ...(definition.required === undefined ? {} : { required: definition.required }),
    // DeleteOptions and WatchEvent are registered in every group; only kinds with one home say so.
    ...(gvks?.length === 1 ? { gvk: gvks.map((g) => [g.group, g.version, g.kind] as const) } : {}),
    ...(mapType === undefined ? {} : { mapType }),
  };
}

export function fieldRow(property: Property, names: ReadonlyMap<string, string>): FieldRow {
  const row: FieldObject = { type: typeOf(property) };
  const target = refTarget(property);
  if (row.type === 'object' && target !== undefined) row.ref = shortNameOf(target, names);
  const items = property.items ?? property.additionalProperties;
  if (items !== undefined) row.items = fieldRow(items, names);
  const extensions = {
    listType: property['x-kubernetes-list-type'],
    listMapKeys: property['x-kubernetes-list-map-keys'],
    mapType: property['x-kubernetes-map-type'],
    mergeKey: property['x-kubernetes-patch-merge-key'],
    patchStrategy: property['x-kubernetes-patch-strategy'],
  };
  for (const [key, value] of Object.entries(extensions)) {
    if (value !== undefined) Object.assign(row, { [key]: value });
  }
  return Object.keys(row).length === 1 ? row.type : row;
}

function typeOf(property: Property): string {
  const target = refTarget(property);
  if (target !== undefined) return SCALARS[target] ?? 'object';
  if (property.items !== undefined) return 'array';
  if (property.additionalProperties !== undefined) return 'map';
  if (property.type === 'integer') return property.format === 'int64' ? 'int64' : 'int32';
  if (property.type === 'string') return property.format === 'byte' ? 'bytes' : 'string';
  if (property.type === 'number') return 'double';
  if (property.type === 'object') return 'any';
  return property.type ?? 'any';
}

function shortNameOf(id: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(id);
  if (name === undefined) throw new Error(`${id} has no short name`);
  return name;
}
