import { isObject } from '../schema/index.ts';

/** RFC 7386: objects are merged, null removes, everything else replaces. The object is left as it is. */
export function mergePatch<T>(object: T, patch: unknown): T {
  return merge(object, patch) as T;
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch);
  const result = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merge(result.get(key), value));
  }
  return Object.fromEntries(result);
}
