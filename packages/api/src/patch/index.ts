/** PATCH bodies: what they are, and what they make of an object. */
import { type Decoded, conformObject } from '../codec/index.ts';
import { parseJson } from '../codec/json.ts';
import { parseYaml } from '../codec/yaml.ts';
import { errors } from '../errors.ts';
import { DecodeError, isObject } from '../schema/index.ts';
import type { ServedResource } from '../scheme.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { invalidPatch } from './patch-error.ts';
import { strategicMergePatch } from './strategic-merge.ts';

export { jsonPatch } from './json-patch.ts';
export { mergePatch } from './merge-patch.ts';
export { invalidPatch } from './patch-error.ts';
export { strategicMergePatch } from './strategic-merge.ts';

export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

const KIND_OF_TYPE = new Map<string, PatchKind>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

export const PATCH_TYPES: readonly string[] = [...KIND_OF_TYPE.keys()];

export interface Patch {
  readonly kind: PatchKind;
  /** The parsed body: a list of operations for `json`, an object otherwise. */
  readonly value: unknown;
  /** As it was sent, for messages. */
  readonly text: string;
  /** `duplicate field "spec.replicas"`. */
  readonly duplicates: readonly string[];
}

/** Throws ApiError 415 and 400. */
export function parsePatch(body: Uint8Array, contentType: string | undefined): Patch {
  const kind = KIND_OF_TYPE.get((contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '');
  if (kind === undefined) throw errors.unsupportedMediaType(PATCH_TYPES);
  const text = new TextDecoder().decode(body);
  try {
    const { value, duplicates } =
      kind === 'apply' && !text.trimStart().startsWith('{') ? parseYaml(text) : parseJson(text);
    return { kind, value, text, duplicates };
  } catch (error) {
    if (error instanceof DecodeError) throw errors.badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

/**
 * What a `json`, `merge` or `strategic` patch makes of an object: a new one in its kind's shape, with the
 * fields that are unknown. Throws ApiError: 400 malformed, 413, 422 not applicable or of the wrong shape.
 */
export function applyPatch(resource: ServedResource, object: object, patch: Patch): Decoded {
  const patched = patchedValue(resource, object, patch);
  try {
    const { object: conformed, unknown } = conformObject(resource, patched);
    return { object: conformed, unknown: [...patch.duplicates, ...unknown] };
  } catch (error) {
    if (error instanceof DecodeError) throw invalidPatch(patch.text, error.message);
    throw error;
  }
}

function patchedValue(resource: ServedResource, object: object, { kind, value }: Patch): unknown {
  if (kind === 'json') return jsonPatch(object, value);
  if (kind === 'strategic') return strategicMergePatch(resource.schema, object, value);
  if (kind === 'apply') throw errors.unsupportedMediaType(PATCH_TYPES);
  if (!isObject(value)) {
    throw errors.badRequest('error decoding patch: a merge patch must be an object');
  }
  return mergePatch(object, value);
}
