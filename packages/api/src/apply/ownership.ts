/** Which fields an object sets, and which differ between two. */
import { semanticEqual } from '../helpers/index.ts';
import { childOf, difference, emptySet, type FieldSet } from './field-set.ts';
import { type Parts, partsOf, type Place } from './shape.ts';

/** Fields that identify an object or belong to the server: nobody owns them. */
const UNOWNED = new Set(['f:apiVersion', 'f:kind']);
const UNOWNED_METADATA = new Set(
  [
    'creationTimestamp',
    'deletionGracePeriodSeconds',
    'deletionTimestamp',
    'generation',
    'managedFields',
    'name',
    'namespace',
    'resourceVersion',
    'selfLink',
    'uid',
  ].map((name) => `f:${name}`),
);

/** The fields an object sets. */
export function fieldsOf(definitionName: string, object: object): FieldSet {
  const set = emptySet();
  addFields({ type: 'object', ref: definitionName }, object, set);
  set.isMember = false;
  return withoutUnowned(set);
}

function addFields(place: Place, value: unknown, set: FieldSet): void {
  const parts = partsOf(place, value);
  if (parts === undefined || parts.size === 0) {
    set.isMember = true;
    return;
  }
  for (const [element, part] of parts) {
    const child = childOf(set, element);
    addFields(part.place, part.value, child);
    // Labels and list elements exist by being named; a declared field exists by what is in it.
    if (!part.isDeclared) child.isMember = true;
  }
}

export interface Comparison {
  /** Set in the new object, and absent or different in the old. */
  readonly changed: FieldSet;
  /** Set in the old object only. */
  readonly removed: FieldSet;
}

export function compare(definitionName: string, before: object, after: object): Comparison {
  const place: Place = { type: 'object', ref: definitionName };
  const [was, is] = [fieldsOf(definitionName, before), fieldsOf(definitionName, after)];
  const changed = emptySet();
  addChanges(place, before, after, changed);
  return { changed: withoutUnowned(changed), removed: difference(was, is) };
}

function addChanges(place: Place, before: unknown, after: unknown, changed: FieldSet): void {
  if (after === undefined) return;
  const parts = partsOf(place, after);
  if (before === undefined || parts === undefined || parts.size === 0) {
    if (!semanticEqual(before, after)) addFields(place, after, changed);
    return;
  }
  const old: Parts = partsOf(place, before) ?? new Map();
  for (const [element, part] of parts) {
    const child = childOf(changed, element);
    addChanges(part.place, old.get(element)?.value, part.value, child);
    if (!part.isDeclared && !old.has(element)) child.isMember = true;
  }
}

function withoutUnowned(set: FieldSet): FieldSet {
  for (const element of UNOWNED) set.children.delete(element);
  const metadata = set.children.get('f:metadata');
  for (const element of UNOWNED_METADATA) metadata?.children.delete(element);
  if (metadata !== undefined && metadata.children.size === 0) set.children.delete('f:metadata');
  return difference(set, emptySet());
}
