/** `metadata.managedFields`: who set what, as stored and as sets. */
import type { ManagedFieldsEntry } from '../generated/types.ts';
import { emptySet, type FieldSet, fromFieldsV1, isEmpty, toFieldsV1 } from './field-set.ts';

/** One manager's part of an object. A manager is told apart by name, operation and subresource. */
export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly apiVersion: string;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export type OwnerName = Pick<Owner, 'manager' | 'operation' | 'subresource'>;

export function isSameOwner(a: OwnerName, b: OwnerName): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}

export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owner[] {
  return (entries ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    subresource: entry.subresource ?? '',
    apiVersion: entry.apiVersion ?? '',
    time: entry.time,
    fields: entry.fieldsV1 === undefined ? emptySet() : fromFieldsV1(entry.fieldsV1),
  }));
}

/** Appliers first, then by time and name. Who owns nothing any more is dropped. */
export function writeOwners(owners: readonly Owner[]): ManagedFieldsEntry[] {
  return owners
    .filter((owner) => !isEmpty(owner.fields))
    .sort(
      (a, b) =>
        compareText(a.operation, b.operation) ||
        compareText(a.time, b.time) ||
        compareText(a.manager, b.manager),
    )
    .map(({ manager, operation, subresource, apiVersion, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function compareText(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}
