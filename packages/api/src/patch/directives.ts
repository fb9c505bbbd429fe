/** The directives of a strategic merge patch, and what of a patch is none. */

import { isObject } from '../schema/index.ts';

export type Fields = Record<string, unknown>;

export const PATCH_DIRECTIVE = '$patch';
export const RETAIN_KEYS = '$retainKeys';
/** Followed by the field's name. */
export const DELETE_FROM = '$deleteFromPrimitiveList/';
/** Followed by the field's name. */
export const SET_ORDER = '$setElementOrder/';

/** What is new to the object enters without nulls and directives; undefined when it is a directive itself. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, PATCH_DIRECTIVE)) return undefined;
  const entries = Object.entries(value).filter(([key, item]) => item !== null && !isDirective(key));
  return Object.fromEntries(
    entries.map(([key, item]) => [key, withoutDirectives(item)]).filter(([, item]) => item !== undefined),
  );
}

function isDirective(key: string): boolean {
  return key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER);
}
