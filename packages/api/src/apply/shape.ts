/**
 * How server-side apply sees a value: as one thing, as fields, or as a list whose elements have names of
 * their own.
 */
import { type Definition, definitionOf, type Field, isObject } from '../schema/index.ts';

export type Fields = Record<string, unknown>;

/** What a place in the object may hold; the root is an `object` without a field. */
export type Place = Field | { readonly type: 'object'; readonly ref: string };

/**
 * A value taken apart: path element → value and the place it stands in. Undefined for what is owned as a
 * whole.
 */
export type Parts = Map<
  string,
  { readonly value: unknown; readonly place: Place; readonly isDeclared: boolean }
>;

/** Takes a value apart if its place says that its parts can have different owners. */
export function partsOf(place: Place, value: unknown): Parts | undefined {
  if (place.type === 'object' && isObject(value)) return partsOfObject(place, value);
  if (place.type === 'map' && isObject(value)) return partsOfMap(place, value);
  if (place.type === 'array' && Array.isArray(value)) return partsOfList(place, value);
  return undefined;
}

function partsOfObject(place: Place, value: Fields): Parts | undefined {
  const definition = definitionAt(place);
  if (definition === undefined || isAtomic(place, definition)) return undefined;
  const parts: Parts = new Map();
  for (const [name, item] of Object.entries(value)) {
    const field = definition.fields.get(name);
    if (field !== undefined) parts.set(`f:${name}`, { value: item, place: field, isDeclared: true });
  }
  return parts;
}

function partsOfMap(place: Place, value: Fields): Parts | undefined {
  if (!('items' in place) || place.items === undefined || isAtomic(place, undefined)) return undefined;
  const { items } = place;
  return new Map(
    Object.entries(value).map(([key, item]) => [
      `f:${key}`,
      { value: item, place: items, isDeclared: false },
    ]),
  );
}

function partsOfList(place: Place, value: readonly unknown[]): Parts | undefined {
  if (!('items' in place) || place.items === undefined || !isAssociative(place)) return undefined;
  const { items } = place;
  const parts: Parts = new Map();
  for (const item of value) {
    const element = elementOf(place, item);
    // Of two elements with the same keys the first counts, as for strategic merge.
    if (!parts.has(element)) parts.set(element, { value: item, place: items, isDeclared: false });
  }
  return parts;
}

/** Lists of named elements and sets; all other lists are owned whole. */
export function isAssociative(place: Place): place is Field {
  return 'listType' in place && (place.listType === 'map' || place.listType === 'set');
}

/** Keys that upstream's schema fills in when they are missing. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** `k:{"name":"web"}`, keys in alphabetical order; `v:"x"` in a set. */
export function elementOf(place: Field, item: unknown): string {
  if (place.listType === 'set' || !isObject(item)) return `v:${JSON.stringify(item)}`;
  const keys = [...place.listMapKeys].sort().map((key) => [key, item[key] ?? KEY_DEFAULTS[key]]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

function definitionAt(place: Place): Definition | undefined {
  return place.ref === undefined ? undefined : definitionOf(place.ref);
}

function isAtomic(place: Place, definition: Definition | undefined): boolean {
  return definition?.mapType === 'atomic' || ('mapType' in place && place.mapType === 'atomic');
}
