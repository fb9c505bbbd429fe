import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import type * as Rfc6902 from 'rfc6902';
import { errors } from '../errors.ts';
import { unprocessablePatch } from './patch-error.ts';

const OPERATIONS_MAX = 10_000;
/** `copy` can double a document with each operation; upstream counts what is copied too. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;

let library: typeof Rfc6902 | undefined;

function rfc6902(): typeof Rfc6902 {
  library ??= createRequire(import.meta.url)('rfc6902') as typeof Rfc6902;
  return library;
}

/**
 * RFC 6902. The object is left as it is. Throws ApiError: 400 malformed, 413 too many operations, 422 not
 * applicable.
 */
export function jsonPatch<T>(object: T, operations: unknown): T {
  if (!Array.isArray(operations) || !operations.every(isOperation))
    throw errors.badRequest('Invalid JSON Patch');
  if (operations.length > OPERATIONS_MAX) {
    const limit = `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}`;
    throw errors.requestEntityTooLarge(`${limit}, got ${operations.length}`);
  }
  const document = { root: structuredClone(object) };
  let copiedBytes = 0;
  for (const operation of operations) {
    if (operation.op === 'copy') {
      copiedBytes += sizeOf(rfc6902().Pointer.fromJSON(operation.from).get(document.root));
      if (copiedBytes > COPIED_BYTES_MAX)
        throw unprocessablePatch('unable to copy: accumulated size is too large');
    }
    if (operation.op === 'test') testOne(document.root, operation);
    else applyOne(document, operation);
  }
  return document.root;
}

/** By plain equality: the library would work out how lists differ, which takes the square of their length. */
function testOne(root: unknown, { path, value }: Rfc6902.TestOperation): void {
  const actual: unknown = rfc6902().Pointer.fromJSON(path).get(root);
  if (!isDeepStrictEqual(actual, value)) throw unprocessablePatch(`testing value ${path} failed`);
}

/** Operations act below `root`, so that one may replace the whole object (path ``). */
function applyOne(document: object, operation: Rfc6902.Operation): void {
  const rooted = { ...operation, path: `/root${operation.path}` };
  if ('from' in rooted) rooted.from = `/root${rooted.from}`;
  let error: Error | null = null;
  try {
    [error = null] = rfc6902().applyPatch(document, [rooted]);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  }
  if (error !== null) throw unprocessablePatch(`${operation.op} operation does not apply: ${error.message}`);
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function isOperation(value: unknown): value is Rfc6902.Operation {
  if (typeof value !== 'object' || value === null) return false;
  const { op, path, from } = value as Record<string, unknown>;
  if (typeof op !== 'string' || !OPERATIONS.has(op) || !isPointer(path)) return false;
  return op === 'move' || op === 'copy' ? isPointer(from) : true;
}

/** API-1: no pointer may lead to a prototype. */
function isPointer(value: unknown): value is string {
  if (typeof value !== 'string' || (value !== '' && !value.startsWith('/'))) return false;
  return !value.split('/').includes('__proto__');
}
