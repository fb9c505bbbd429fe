/** Which fields of two values differ: what a person needs to see when a change is refused. */
import { semanticEqual } from '../helpers/semantic-equal.ts';

const SHOWN_MAX = 10;

/** Paths of the innermost differences, at most ten. */
export function changedFields(value: unknown, old: unknown, path: string): string[] {
  return [...differences(value, old, path)].slice(0, SHOWN_MAX);
}

function* differences(value: unknown, old: unknown, path: string): Iterable<string> {
  if (semanticEqual(value, old)) return;
  if (Array.isArray(value) && Array.isArray(old) && value.length === old.length) {
    for (const [index, item] of value.entries()) yield* differences(item, old[index], `${path}[${index}]`);
  } else if (isRecord(value) && isRecord(old)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(value)]);
    for (const key of keys) yield* differences(value[key], old[key], `${path}.${key}`);
  } else yield path;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
