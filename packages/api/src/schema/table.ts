/**
 * The schema table: what fields every definition of the API has. One table drives decoding, pruning,
 * strategic merge, server-side apply and OpenAPI. Definitions go by their short TypeScript names (`Pod`,
 * `DiscoveryV1EndpointPort`).
 */
import { must } from '@kubelab/component-base';
import rows from '../generated/schema.json' with { type: 'json' };

export type ScalarType =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  /** Base64 text. */
  | 'bytes'
  | 'quantity'
  | 'time'
  | 'micro-time'
  | 'int-or-string'
  /** Any JSON: RawExtension, FieldsV1. */
  | 'any';

export interface Field {
  readonly type: ScalarType | 'object' | 'array' | 'map';
  /** Of `object`: the definition's name. */
  readonly ref: string | undefined;
  /** Of `array` and `map`: the elements. */
  readonly items: Field | undefined;
  /** Zero is not the same as absence: `replicas: 0`. */
  readonly zeroIsValue: boolean;
  /** Ownership of list elements in server-side apply. */
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: 'atomic' | 'granular' | undefined;
  /** Strategic merge: the field that identifies an element. */
  readonly mergeKey: string | undefined;
  /** Strategic merge: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategies: readonly string[];
}

export interface Definition {
  readonly name: string;
  /** `io.k8s.api.core.v1.Pod`. */
  readonly id: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly required: ReadonlySet<string>;
  /** Of kinds: where they are registered. */
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string } | undefined;
  readonly mapType: 'atomic' | 'granular' | undefined;
}

/** The rows as they are in the file; see `scripts/generate-api/schema.ts`. */
interface FieldObject {
  readonly type: string;
  readonly ref?: string;
  readonly items?: FieldRow;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly mergeKey?: string;
  readonly patchStrategy?: string;
}
type FieldRow = string | FieldObject;
interface DefinitionRow {
  readonly id: string;
  readonly fields: Readonly<Record<string, FieldRow>>;
  readonly required?: readonly string[];
  readonly gvk?: readonly (readonly string[])[];
  readonly mapType?: string;
}

// The inferred type has 500 members, one a definition.
const table = new Map(Object.entries(rows as unknown as Record<string, DefinitionRow>));
const built = new Map<string, Definition>();
const scalars = new Map<string, Field>();

export function hasDefinition(name: string): boolean {
  return table.has(name);
}

/** The names of all definitions. */
export function definitionNames(): string[] {
  return [...table.keys()];
}

/** The definition of that name, built from its row on first use. Crashes when there is none. */
export function definitionOf(name: string): Definition {
  const known = built.get(name);
  if (known !== undefined) return known;
  const definition = buildDefinition(name, must(table.get(name), `definition ${name}`));
  built.set(name, definition);
  return definition;
}

function buildDefinition(name: string, row: DefinitionRow): Definition {
  const fields = new Map(Object.entries(row.fields).map(([field, value]) => [field, buildField(value)]));
  const [group = '', version = '', kind = ''] = row.gvk?.[0] ?? [];
  return {
    name,
    id: row.id,
    fields,
    required: new Set(row.required),
    gvk: row.gvk === undefined ? undefined : { group, version, kind },
    mapType: row.mapType as Definition['mapType'],
  };
}

function buildField(row: FieldRow): Field {
  if (typeof row !== 'string') return fieldOf(row, false);
  const known = scalars.get(row);
  if (known !== undefined) return known;
  const field = fieldOf({ type: row.replace('*', '') }, row.startsWith('*'));
  scalars.set(row, field);
  return field;
}

function fieldOf(row: FieldObject, zeroIsValue: boolean): Field {
  return {
    type: row.type as Field['type'],
    ref: row.ref,
    items: row.items === undefined ? undefined : buildField(row.items),
    zeroIsValue,
    listType: row.listType as Field['listType'],
    listMapKeys: row.listMapKeys ?? [],
    mapType: row.mapType as Field['mapType'],
    mergeKey: row.mergeKey,
    patchStrategies: row.patchStrategy?.split(',') ?? [],
  };
}
