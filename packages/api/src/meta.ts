import type { ObjectMeta } from './generated/types.ts';

/** What every stored object has. */
export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
}

/** Metadata of an object that is still to be created, or of a template: nothing is sure yet. */
export type NewMeta = { [K in keyof ObjectMeta]?: ObjectMeta[K] | undefined };

/**
 * What create takes: the server fills in the metadata and ignores the status of kinds that have a status
 * subresource.
 */
export type NewObject<T> = Omit<T, 'metadata' | 'status'> & { metadata: NewMeta } & (T extends {
    status?: infer S;
  }
    ? { status?: S | undefined }
    : unknown);

export interface KubeList<T> {
  items: T[];
  metadata: {
    resourceVersion: string;
    continue?: string | undefined;
    remainingItemCount?: number | undefined;
  };
}

/** Names a resource and, to the compiler, the type of its objects: `client.list(Pod)` is a list of Pods. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  /** The plural, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries `T`. */
  readonly _type?: T;
}

export function resourceType<T extends KubeObject>(
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced: boolean,
): ResourceType<T> {
  return { group, version, apiVersion: groupVersion(group, version), resource, kind, namespaced };
}

/** `('', 'v1')` → `v1`; `('apps', 'v1')` → `apps/v1`. */
export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `apps/v1` → `{ group: 'apps', version: 'v1' }`; the core group is empty. */
export function parseGroupVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash === -1) return { group: '', version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}
