import { errors } from '@kubelab/api';
import type { ServedResource } from '@kubelab/api/server';
import type { Negotiated } from '../core/media-type.ts';

/** The form a client wants its answer in. */
export interface Projection {
  readonly output: Negotiated;
  readonly resource: ServedResource;
  readonly query: URLSearchParams;
  readonly nowMs: () => number;
}

export function includeObjectOf(query: URLSearchParams): 'Metadata' | 'Object' | 'None' {
  const text = query.get('includeObject') || 'Metadata';
  if (text === 'Metadata' || text === 'Object' || text === 'None') return text;
  throw errors.badRequest(`unrecognized includeObject value: ${JSON.stringify(text.slice(0, 40))}`);
}
