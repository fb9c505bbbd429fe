/**
 * The two moves of server-side apply: lay the applied fields over the live object, and take away what is no
 * longer applied.
 */
import type { FieldSet } from './field-set.ts';
import { isObject } from '../schema/index.ts';
import { elementOf, isAssociative, partsOf, type Place } from './shape.ts';

/** A new object; what is applied wins, and lists with named elements are merged element by element. */
export function mergeApplied<T extends object>(definitionName: string, live: object, applied: T): T {
  return mergeAt({ type: 'object', ref: definitionName }, live, applied) as T;
}

function mergeAt(place: Place, live: unknown, applied: unknown): unknown {
  const parts = partsOf(place, applied);
  const old = partsOf(place, live);
  if (parts === undefined || old === undefined) return structuredClone(applied);
  const merged = new Map([...old].map(([element, part]) => [element, part.value]));
  for (const [element, part] of parts)
    merged.set(element, mergeAt(part.place, old.get(element)?.value, part.value));
  return assemble(place, inAppliedOrder(place, merged, [...parts.keys()]));
}

/**
 * Elements of a list stand in the applied order; those only the live list has keep their places around them.
 */
function inAppliedOrder(
  place: Place,
  merged: ReadonlyMap<string, unknown>,
  applied: readonly string[],
): [string, unknown][] {
  const entries = [...merged];
  if (!isAssociative(place)) return entries;
  const isApplied = new Set(applied);
  let at = 0;
  return entries.map(([element, value]): [string, unknown] => {
    if (!isApplied.has(element)) return [element, value];
    const next = applied[at++] ?? element;
    return [next, merged.get(next)];
  });
}

/**
 * Removes the paths of `gone` from an object, but nothing that `kept` owns or that has something of `kept`
 * inside. Returns a new object.
 */
export function prune<T extends object>(
  definitionName: string,
  object: T,
  gone: FieldSet,
  kept: FieldSet,
): T {
  return (pruneAt({ type: 'object', ref: definitionName }, object, gone, kept) ?? {}) as T;
}

function pruneAt(place: Place, value: unknown, gone: FieldSet, kept: FieldSet | undefined): unknown {
  if (gone.isMember && kept === undefined) return undefined;
  const parts = partsOf(place, value);
  if (parts === undefined || gone.children.size === 0) return value;
  const entries: [string, unknown][] = [];
  for (const [element, part] of parts) {
    const below = gone.children.get(element);
    const left =
      below === undefined ? part.value : pruneAt(part.place, part.value, below, kept?.children.get(element));
    const isHollow = isObject(left) && Object.keys(left).length === 0 && left !== part.value;
    if (left !== undefined && !(isHollow && part.isDeclared && !hasOwner(kept, element)))
      entries.push([element, left]);
  }
  return assemble(place, entries);
}

function hasOwner(kept: FieldSet | undefined, element: string): boolean {
  return kept?.children.has(element) === true;
}

/** Puts parts together again: values of a list, fields of an object. */
function assemble(place: Place, entries: readonly (readonly [string, unknown])[]): unknown {
  if (place.type === 'array') return entries.map(([, value]) => value);
  return Object.fromEntries(entries.map(([element, value]) => [element.slice('f:'.length), value]));
}

/** The first element that a list names twice, anywhere in an object; undefined when there is none. */
export function duplicateElement(place: Place, value: unknown): string | undefined {
  if (isAssociative(place) && Array.isArray(value)) {
    const seen = new Set<string>();
    for (const item of value) {
      const element = elementOf(place, item);
      if (seen.has(element)) return element;
      seen.add(element);
    }
  }
  for (const part of partsOf(place, value)?.values() ?? []) {
    const found = duplicateElement(part.place, part.value);
    if (found !== undefined) return found;
  }
  return undefined;
}
