/**
 * The scheme: which resources are served, and under which names. Read from `generated/resources.json`, which
 * the generator took from the published description.
 */
import rows from './generated/resources.json' with { type: 'json' };
import { groupVersion, type ResourceType } from './meta.ts';

export interface ServedResource extends ResourceType {
  /** `pod`: what kubectl also accepts. */
  readonly singular: string;
  /** The definition's name in the schema table: what decoding, patches and OpenAPI look up. */
  readonly schema: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  /** `all` is what `kubectl get all` shows. */
  readonly categories: readonly string[];
  readonly subresources: readonly ServedSubresource[];
  /** `/registry/pods`: keys are `<prefix>/<namespace>/<name>`, or `<prefix>/<name>` without a namespace. */
  readonly storagePrefix: string;
  /** False for what is only ever created and answered: reviews, bindings. */
  readonly isStored: boolean;
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
}

export interface ServedSubresource {
  readonly name: string;
  /** Of the body: a Deployment's `scale` is `autoscaling/v1 Scale`. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Absent where the body is no object: the options of `exec` and `proxy` are query parameters. */
  readonly schema: string | undefined;
  readonly verbs: readonly string[];
}

/** Every served resource, sorted by group, version and plural. */
export const resources: readonly ServedResource[] = rows.map((row): ServedResource => {
  const subresources = row.subresources.map((s): ServedSubresource => ({ ...s, schema: s.schema }));
  const has = (name: string): boolean => subresources.some((s) => s.name === name);
  return {
    group: row.group,
    version: row.version,
    apiVersion: groupVersion(row.group, row.version),
    resource: row.plural,
    kind: row.kind,
    namespaced: row.namespaced,
    singular: row.singular,
    schema: row.schema,
    verbs: row.verbs,
    shortNames: row.shortNames,
    categories: row.categories,
    subresources,
    storagePrefix: `/registry/${row.storage}`,
    isStored: row.verbs.includes('get'),
    hasStatus: has('status'),
    hasScale: has('scale'),
  };
});

const byPlural = new Map(resources.map((r) => [`${r.apiVersion}/${r.resource}`, r]));
const byKind = new Map(resources.map((r) => [`${r.apiVersion}/${r.kind}`, r]));

/** By the words of a path: `findResource('apps', 'v1', 'deployments')`. */
export function findResource(group: string, version: string, plural: string): ServedResource | undefined {
  return byPlural.get(`${groupVersion(group, version)}/${plural}`);
}

/** By the words of an object: `kindFor('apps/v1', 'Deployment')`. */
export function kindFor(apiVersion: string, kind: string): ServedResource | undefined {
  return byKind.get(`${apiVersion}/${kind}`);
}

/** The store's key of an object. */
export function storageKey(resource: ServedResource, namespace: string | undefined, name: string): string {
  if (!resource.namespaced) return `${resource.storagePrefix}/${name}`;
  return `${resource.storagePrefix}/${namespace ?? ''}/${name}`;
}

/** The prefix of all keys of a resource, or of those in one namespace; ends in `/`. */
export function storageRange(resource: ServedResource, namespace?: string): string {
  return namespace === undefined ? `${resource.storagePrefix}/` : `${resource.storagePrefix}/${namespace}/`;
}
