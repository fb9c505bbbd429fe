import type { ResourceType } from '@kubelab/api';
import type { ListOptions } from './types.ts';

/** REST paths and query strings: the same text on both wires. */
export interface PathParts {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/api/v1/namespaces/default/pods/web/status`, `/apis/apps/v1/deployments`. */
export function resourcePath(type: ResourceType, parts: PathParts): string {
  const segments = type.group === '' ? ['', 'api', type.version] : ['', 'apis', type.group, type.version];
  if (type.namespaced && parts.namespace !== undefined) segments.push('namespaces', encode(parts.namespace));
  segments.push(type.resource);
  if (parts.name !== undefined) segments.push(encode(parts.name));
  if (parts.subresource !== undefined) segments.push(parts.subresource);
  return segments.join('/');
}

/** Names are path segments: what would climb out of one (`..`, `/`) is escaped or refused by the server. */
function encode(segment: string): string {
  return encodeURIComponent(segment);
}

export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** The raw query without question mark; undefined, false and empty values are left out. */
export function queryString(values: QueryValues): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== false && value !== '') query.set(name, String(value));
  }
  return query.toString();
}

export function listQuery(options: ListOptions): QueryValues {
  return {
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    limit: options.limit,
    continue: options.continue,
  };
}
