import { errors, type KubeObject } from '@kubelab/api';
import { type Decoded, decodeAs, decodeObject, type ServedResource } from '@kubelab/api/server';
import type { Call } from './call.ts';

/**
 * The request's body as an object of the path's kind; unknown fields are dropped, told or refused as
 * `fieldValidation` says.
 */
export async function objectOfBody(call: Call, into: ServedResource): Promise<KubeObject> {
  const decoded = decodeObject(await call.request.body(), call.request.headers['content-type'], { into });
  checkUnknown(call, decoded);
  return withMetadata(decoded.object);
}

/** The body of a subresource that has a kind of its own. */
export async function bodyAs<T extends object>(call: Call, definitionName: string): Promise<T> {
  const decoded = decodeAs<T>(
    definitionName,
    await call.request.body(),
    call.request.headers['content-type'],
  );
  checkUnknown(call, decoded);
  return decoded.object;
}

/** Ignore, Warn (default) or Strict. */
export function checkUnknown(
  { query, warnings }: Pick<Call, 'query' | 'warnings'>,
  decoded: Pick<Decoded, 'unknown'>,
): void {
  const mode = query.get('fieldValidation') || 'Warn';
  switch (mode) {
    case 'Ignore':
      return;
    case 'Warn':
      for (const text of decoded.unknown) warnings.add(text);
      return;
    case 'Strict':
      if (decoded.unknown.length > 0)
        throw errors.badRequest(`strict decoding error: ${decoded.unknown.join(', ')}`);
      return;
    default: {
      const detail = 'supported values: "Ignore", "Strict", "Warn"';
      const field = {
        type: 'FieldValueNotSupported',
        field: 'fieldValidation',
        badValue: mode,
        detail,
      } as const;
      throw errors.invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [field]);
    }
  }
}

/** `dryRun=All`: everything but the store. Any other value is a mistake that must not write. */
export function isDryRun(values: readonly string[]): boolean {
  const asked = values.filter((value) => value !== '');
  for (const value of asked) {
    if (value !== 'All') {
      const field = {
        type: 'FieldValueNotSupported',
        field: 'dryRun',
        badValue: value,
        detail: 'supported values: "All"',
      } as const;
      throw errors.invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [field]);
    }
  }
  return asked.length > 0;
}

/** A body may leave metadata out; nothing behind this point has to think of it. */
export function withMetadata(object: KubeObject): KubeObject {
  const { kind, apiVersion, metadata, ...rest } = object;
  const named = { ...metadata };
  named.name ??= '';
  return { kind, apiVersion, metadata: named, ...rest };
}

/** Who writes: as the query says, else the first word of the User-Agent. */
export function fieldManagerOf({ query, request }: Pick<Call, 'query' | 'request'>): string {
  const told = query.get('fieldManager') ?? '';
  if (told.length > FIELD_MANAGER_LENGTH_MAX) {
    const field = {
      type: 'FieldValueTooLong',
      field: 'fieldManager',
      badValue: '',
      detail: `may not be more than ${FIELD_MANAGER_LENGTH_MAX} bytes`,
    } as const;
    throw errors.invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [field]);
  }
  return (
    told ||
    (request.headers['user-agent'] ?? '').split('/', 1)[0]?.slice(0, FIELD_MANAGER_LENGTH_MAX) ||
    'unknown'
  );
}

const FIELD_MANAGER_LENGTH_MAX = 128;
