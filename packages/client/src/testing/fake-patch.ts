/**
 * Patches as the fake API applies them: enough for what controllers send, without the API server's schema
 * table.
 */
import { errors } from '@kubelab/api';
import type { PatchType } from '../types.ts';

type Json = Record<string, unknown>;

export function applyPatch(object: Json, patch: unknown, type: PatchType): Json {
  if (type === 'json') return applyOperations(object, patch as readonly Operation[]);
  return merge(object, patch, type === 'strategic') as Json;
}

function merge(into: unknown, patch: unknown, isStrategic: boolean): unknown {
  if (isStrategic && Array.isArray(patch)) return mergeList(Array.isArray(into) ? into : [], patch);
  if (!isObject(patch)) return patch;
  const merged: Json = isObject(into) ? { ...into } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name === '$patch' || name.startsWith('$setElementOrder/')) continue;
    if (name.startsWith('$deleteFromPrimitiveList/')) {
      const list = name.slice(name.indexOf('/') + 1);
      const gone = new Set(value as unknown[]);
      merged[list] = ((merged[list] as unknown[] | undefined) ?? []).filter((item) => !gone.has(item));
    } else if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value, isStrategic);
  }
  return merged;
}

/** Merge keys in the order they are looked for in an element. */
const MERGE_KEYS = ['uid', 'type', 'containerPort', 'mountPath', 'key', 'ip', 'name'] as const;

function mergeList(into: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const key = MERGE_KEYS.find((name) => patch.every((item) => isObject(item) && name in item));
  // Lists of plain values are sets (finalizers) for us; lists of keyless objects are replaced.
  if (key === undefined) {
    return patch.every((item) => !isObject(item)) ? [...new Set([...into, ...patch])] : [...patch];
  }
  const merged = [...into];
  for (const item of patch) {
    const index = merged.findIndex((old) => isObject(old) && isObject(item) && old[key] === item[key]);
    if (isObject(item) && item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (index >= 0) merged[index] = merge(merged[index], item, true);
    else merged.push(item);
  }
  return merged;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

function applyOperations(object: Json, operations: readonly Operation[]): Json {
  const root: Json = structuredClone(object);
  for (const { op, path, value } of operations) {
    const segments = path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = segments.pop() ?? '';
    let parent: unknown = root;
    for (const segment of segments)
      parent = isObject(parent) || Array.isArray(parent) ? (parent as Json)[segment] : undefined;
    if (!isObject(parent) && !Array.isArray(parent))
      throw errors.badRequest(`json patch path ${path} does not exist`);
    applyOperation(parent as Json, last, op, value);
  }
  return root;
}

function applyOperation(parent: Json | unknown[], name: string, op: string, value: unknown): void {
  const at = parent as Json;
  if (op === 'test') {
    if (JSON.stringify(at[name]) !== JSON.stringify(value)) throw errors.badRequest('json patch test failed');
  } else if (op === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(name), 1);
    else delete at[name];
  } else if (op === 'add' && Array.isArray(parent)) {
    parent.splice(name === '-' ? parent.length : Number(name), 0, value);
  } else at[name] = value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
