/** The lists of a strategic merge: sets of scalars, and objects that one field identifies. */
import { errors } from '../errors.ts';
import { isObject } from '../schema/index.ts';
import { type Fields, PATCH_DIRECTIVE, withoutDirectives } from './directives.ts';
import { unmergeablePatch } from './patch-error.ts';

/** How a list's elements are told apart and merged. */
export interface Element {
  /** Undefined for scalars. */
  readonly mergeKey: string | undefined;
  merge(original: Fields, patch: Fields): Fields;
}

/** The merged list, in the original's order with the patch's order respected. */
export function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  element: Element,
): unknown[] {
  const { mergeKey } = element;
  if (mergeKey === undefined) {
    if ([...original, ...patch].some((item) => typeof item === 'object')) {
      throw unmergeablePatch('cannot merge lists without merge key');
    }
    return orderBy([...new Set([...original, ...patch])], patch, original, undefined);
  }
  const { kept, wanted, replaces } = applyElementDirectives(original, patch, mergeKey);
  if (replaces) return wanted;
  const merged = [...kept];
  const at = positions(merged, (item) => (item as Fields)[mergeKey]);
  for (const item of wanted) {
    const index = at.get(item[mergeKey]);
    const match = index === undefined ? undefined : merged[index];
    if (index !== undefined && match !== undefined) merged[index] = element.merge(match, item);
    else at.set(item[mergeKey], merged.push(withoutDirectives(item) as Fields) - 1);
  }
  return orderBy(merged, wanted, original, mergeKey);
}

interface Selected {
  /** The original's elements that stay. */
  readonly kept: Fields[];
  /** The patch's elements that are no directives. */
  readonly wanted: Fields[];
  /** `$patch: replace` stood among them: the patch is the new list. */
  readonly replaces: boolean;
}

function applyElementDirectives(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): Selected {
  const gone = new Set<unknown>();
  const wanted: Fields[] = [];
  let replaces = false;
  for (const item of patch) {
    if (!isObject(item)) throw unmergeablePatch('an element of a merged list is not an object');
    const directive = item[PATCH_DIRECTIVE];
    if (directive === 'replace') replaces = true;
    else if (directive !== undefined && directive !== 'delete') {
      throw errors.badRequest(`unknown patch type: ${JSON.stringify(directive)}`);
    } else if (!Object.hasOwn(item, mergeKey)) {
      throw unmergeablePatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    } else if (directive === 'delete') gone.add(item[mergeKey]);
    else wanted.push(item);
  }
  const kept = original.filter(isObject).filter((item) => !gone.has(item[mergeKey]));
  return { kept, wanted, replaces };
}

/**
 * Sorts what the order names by that order, the rest by the server's, and weaves the two: an element only the
 * server knows keeps its place before those it stood before.
 */
export function orderBy(
  merged: readonly unknown[],
  order: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const idOf = (item: unknown): unknown => (mergeKey !== undefined && isObject(item) ? item[mergeKey] : item);
  const wantedAt = positions(order, idOf);
  const serverAt = positions(serverOrder, idOf);
  const by = (at: ReadonlyMap<unknown, number>) => (a: unknown, b: unknown) =>
    (at.get(idOf(a)) ?? Infinity) - (at.get(idOf(b)) ?? Infinity) || 0;
  const named = merged.filter((item) => wantedAt.has(idOf(item))).sort(by(wantedAt));
  const others = merged.filter((item) => !wantedAt.has(idOf(item))).sort(by(serverAt));

  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const right = serverAt.get(idOf(item)) ?? -1;
    while (next < others.length && (serverAt.get(idOf(others[next])) ?? Infinity) < right)
      result.push(others[next++]);
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

function positions(list: readonly unknown[], idOf: (item: unknown) => unknown): Map<unknown, number> {
  const at = new Map<unknown, number>();
  for (const [index, item] of list.entries()) if (!at.has(idOf(item))) at.set(idOf(item), index);
  return at;
}
