/**
 * Strategic merge: a merge patch that knows which lists are sets of named things. The directives are
 *
 *   $patch: replace | delete             in an object, or in an element of a list
 *   $deleteFromPrimitiveList/<field>     values to take out of a list of scalars
 *   $setElementOrder/<field>             the order of a merged list
 *   $retainKeys                          the only fields an object may keep (a union's members)
 *
 * Which lists merge, and by which key, comes from the schema table. Upstream:
 * `k8s.io/apimachinery/pkg/util/strategicpatch`.
 */
import { errors } from '../errors.ts';
import { type Definition, definitionOf, type Field, isObject } from '../schema/index.ts';
import {
  DELETE_FROM,
  type Fields,
  PATCH_DIRECTIVE,
  RETAIN_KEYS,
  SET_ORDER,
  withoutDirectives,
} from './directives.ts';
import { type Element, mergeList, orderBy } from './strategic-lists.ts';

/** The object is left as it is. Throws ApiError 400 and 422. */
export function strategicMergePatch<T extends object>(definitionName: string, object: T, patch: unknown): T {
  if (!isObject(patch)) throw errors.badRequest('Invalid JSON document');
  return mergeObject(
    definitionOf(definitionName),
    structuredClone(object) as Fields,
    structuredClone(patch),
  ) as T;
}

/**
 * Merges `patch` into `original`, both ours to change. Without a definition nothing is known and lists are
 * replaced.
 */
function mergeObject(definition: Definition | undefined, original: Fields, patch: Fields): Fields {
  const directive = patch[PATCH_DIRECTIVE];
  if (directive !== undefined) {
    delete patch[PATCH_DIRECTIVE];
    if (directive === 'replace') return patch;
    if (directive === 'delete') return {};
    throw errors.badRequest(`unknown patch type: ${JSON.stringify(directive)}`);
  }
  const result = new Map(Object.entries(original));
  retainKeys(result, patch);
  mergeOrderedLists(definition, result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) deleteFromList(result, key.slice(DELETE_FROM.length), value);
    else if (value === null) result.delete(key);
    else setOrDelete(result, key, mergeValue(definition?.fields.get(key), result.get(key), value));
  }
  return Object.fromEntries(result);
}

function mergeValue(field: Field | undefined, original: unknown, value: unknown): unknown {
  const isReplaced = field?.patchStrategies.includes('replace') === true;
  if (isObject(original) && isObject(value)) {
    return isReplaced ? value : mergeObject(definitionBehind(field), original, value);
  }
  if (Array.isArray(original) && Array.isArray(value) && field?.patchStrategies.includes('merge') === true) {
    return mergeList(original as unknown[], value, elementsOf(field));
  }
  return withoutDirectives(value);
}

function definitionBehind(field: Field | undefined): Definition | undefined {
  return field?.type === 'object' && field.ref !== undefined ? definitionOf(field.ref) : undefined;
}

function elementsOf(field: Field | undefined): Element {
  const definition = definitionBehind(field?.items);
  return { mergeKey: field?.mergeKey, merge: (original, patch) => mergeObject(definition, original, patch) };
}

/** A union that changes its member names all fields it keeps; the others go. */
function retainKeys(result: Map<string, unknown>, patch: Fields): void {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return;
  delete patch[RETAIN_KEYS];
  const isListed = (key: string): boolean => (keys as unknown[]).includes(key);
  const isDirective = (key: string): boolean => key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER);
  const isWhole = (key: string): boolean => patch[key] === null || isDirective(key) || isListed(key);
  if (!Array.isArray(keys) || !Object.keys(patch).every(isWhole)) {
    throw errors.badRequest('invalid patch format of retainKeys');
  }
  for (const key of result.keys()) if (!isListed(key)) result.delete(key);
}

/** Merges the lists that come with an order, and takes both out of the patch. */
function mergeOrderedLists(
  definition: Definition | undefined,
  result: Map<string, unknown>,
  patch: Fields,
): void {
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(SET_ORDER)) continue;
    delete patch[directive];
    const key = directive.slice(SET_ORDER.length);
    const original = result.get(key);
    const wanted = patch[key];
    if (![order, original ?? [], wanted ?? []].every(Array.isArray)) {
      throw errors.badRequest('invalid patch format of setElementOrder list');
    }
    if (original === undefined && wanted === undefined) continue;
    const element = elementsOf(definition?.fields.get(key));
    const before = (original ?? []) as unknown[];
    const merged = wanted === undefined ? before : mergeValue(definition?.fields.get(key), original, wanted);
    result.set(key, orderBy(merged as unknown[], order as unknown[], before, element.mergeKey));
    delete patch[key];
  }
}

function deleteFromList(result: Map<string, unknown>, key: string, values: unknown): void {
  const list = result.get(key);
  if (list === undefined) return;
  if (!Array.isArray(list) || !Array.isArray(values)) {
    throw errors.badRequest('invalid patch format of primitive list');
  }
  const gone = new Set<unknown>(values);
  result.set(
    key,
    list.filter((item) => !gone.has(item)),
  );
}

function setOrDelete(result: Map<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) result.delete(key);
  else result.set(key, value);
}
