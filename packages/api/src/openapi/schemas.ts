import { type Definition, definitionOf, type Field } from '../schema/index.ts';
import type { Descriptions } from './descriptions.ts';

export type Json = Record<string, unknown>;

const API_RESOURCE = 'io.k8s.apimachinery.pkg.api.resource';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Scalars that OpenAPI documents define by name. */
const NAMED_SCALARS: Readonly<Record<string, Json>> = {
  [`${API_RESOURCE}.Quantity`]: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  [`${META}.MicroTime`]: { type: 'string', format: 'date-time' },
  [`${META}.Time`]: { type: 'string', format: 'date-time' },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
};

const ID_OF_SCALAR: Readonly<Record<string, string>> = {
  any: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  'int-or-string': 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  'micro-time': `${META}.MicroTime`,
  quantity: `${API_RESOURCE}.Quantity`,
  time: `${META}.Time`,
};

const PLAIN_SCALARS: Readonly<Record<string, Json>> = {
  boolean: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  double: { type: 'number', format: 'double' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  string: { type: 'string' },
};

/** `components.schemas` of everything reachable from the named definitions. */
export function schemasFor(names: Iterable<string>, descriptions: Descriptions): Json {
  const schemas = new Map<string, Json>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const definition = definitionOf(name);
    if (schemas.has(definition.id)) continue;
    schemas.set(definition.id, objectSchema(definition, descriptions));
    for (const field of definition.fields.values()) queue.push(...targetsOf(field));
  }
  for (const [id, schema] of Object.entries(NAMED_SCALARS)) {
    schemas.set(id, { ...described(descriptions.ofDefinition(id)), ...schema });
  }
  return Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `#/components/schemas/io.k8s.api.core.v1.Pod`. */
export function schemaRef(name: string): Json {
  return { $ref: `#/components/schemas/${definitionOf(name).id}` };
}

function targetsOf(field: Field): string[] {
  if (field.items !== undefined) return targetsOf(field.items);
  return field.ref === undefined ? [] : [field.ref];
}

function objectSchema(definition: Definition, descriptions: Descriptions): Json {
  const { id, fields, required, gvk, mapType } = definition;
  const properties = [...fields].map(([name, field]): [string, Json] => {
    const description = described(descriptions.ofField(id, name));
    return [name, { ...description, ...fieldSchema(field, description), ...extensions(field) }];
  });
  return {
    type: 'object',
    ...described(descriptions.ofDefinition(id)),
    properties: Object.fromEntries(properties),
    ...(required.size === 0 ? {} : { required: [...required] }),
    ...(gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': [gvk] }),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
  };
}

/** A reference stands in `allOf`, because beside a bare `$ref` a description would not count. */
function fieldSchema(field: Field, description: Json): Json {
  const ref = refOf(field);
  if (ref !== undefined) return Object.keys(description).length === 0 ? ref : { allOf: [ref] };
  if (field.type === 'array') return { type: 'array', items: itemSchema(field) };
  if (field.type === 'map') return { type: 'object', additionalProperties: itemSchema(field) };
  return PLAIN_SCALARS[field.type] ?? { type: 'object' };
}

function itemSchema(field: Field): Json {
  return field.items === undefined ? {} : fieldSchema(field.items, {});
}

function refOf(field: Field): Json | undefined {
  if (field.ref !== undefined) return schemaRef(field.ref);
  const id = ID_OF_SCALAR[field.type];
  return id === undefined ? undefined : { $ref: `#/components/schemas/${id}` };
}

function extensions(field: Field): Json {
  const { listType, listMapKeys, mapType, mergeKey, patchStrategies } = field;
  return {
    ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    ...(listMapKeys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': listMapKeys }),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
    ...(mergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(patchStrategies.length === 0 ? {} : { 'x-kubernetes-patch-strategy': patchStrategies.join(',') }),
  };
}

function described(description: string | undefined): Json {
  return description === undefined ? {} : { description };
}
