/**
 * The shape of a server-side table (`meta.k8s.io/v1 Table`) and the small words its cells are written with.
 */
import type { ObjectMeta } from '../generated/types.ts';
import type { KubeObject } from '../meta.ts';

export type Cell = string | number | boolean;

export interface ColumnDefinition {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  /** `name` on the column that names the object. */
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: number;
}

export interface RowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

export interface TableRow {
  cells: Cell[];
  conditions?: RowCondition[];
  object: unknown;
}

export interface TableMeta {
  resourceVersion?: string | undefined;
  continue?: string | undefined;
  remainingItemCount?: number | undefined;
}

export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: TableMeta;
  columnDefinitions: readonly ColumnDefinition[];
  rows: TableRow[];
}

/** How one kind is printed: as many cells as columns. */
export interface TablePrinter<T extends KubeObject> {
  readonly columns: readonly ColumnDefinition[];
  cells(object: T, nowMs: number): Cell[];
  /** Row conditions: kubectl greys out what is Completed. */
  conditions?(object: T): RowCondition[];
}

/** Any kind's printer; the registry's key says which objects it may be given. */
export type AnyPrinter = TablePrinter<never>;

/** Reads `Name`, `Desired:integer`, `|IP` (only wide). The first column names the object. */
export function columns(...words: string[]): ColumnDefinition[] {
  return words.map((word, index) => {
    const isWide = word.startsWith('|');
    const [name = '', type = 'string'] = word.replace('|', '').split(':');
    return {
      name,
      type: type as ColumnDefinition['type'],
      format: index === 0 ? 'name' : '',
      description: DESCRIPTIONS[name] ?? '',
      priority: isWide ? 1 : 0,
    };
  });
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  Name: 'Name of the object, unique among its kind in its namespace.',
  Age: 'Time since the object was created.',
  'Created At': 'When the server accepted the object.',
};

export const NONE = '<none>';
export const UNSET = '<unset>';
export const UNKNOWN = '<unknown>';

/** `<none>` for an empty list. */
export function joined(values: readonly string[] | undefined, separator = ','): string {
  return values === undefined || values.length === 0 ? NONE : values.join(separator);
}

/** `a=1,b=2`, sorted; `<none>` for nothing. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  return joined(
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
  );
}

/** Go prints booleans so when it prints pointers to them. */
export function boolText(value: boolean | undefined): string {
  return value === undefined ? UNSET : value ? 'True' : 'False';
}

/** Names and images of a pod spec's containers, comma-joined: the two wide columns of every workload. */
export function containerCells(
  spec: { containers?: { name: string; image?: string | undefined }[] } | undefined,
): [string, string] {
  const containers = spec?.containers ?? [];
  return [containers.map((c) => c.name).join(','), containers.map((c) => c.image ?? '').join(',')];
}

export function partialMetadata(metadata: ObjectMeta): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
