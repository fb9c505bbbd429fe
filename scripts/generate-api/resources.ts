import {
  CATEGORIES,
  GROUP_VERSIONS_NOT_SERVED,
  RESOURCES_NOT_SERVED,
  SHORT_NAMES,
  STORAGE_PREFIXES,
} from './served.ts';
import type { GroupVersionKind, Operation, Swagger } from './swagger.ts';

/** One row of `generated/resources.json`. `schema` is filled in once definitions have their short names. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  schema: string;
  namespaced: boolean;
  verbs: string[];
  shortNames: string[];
  categories: string[];
  /** Under `/registry/`. */
  storage: string;
  subresources: Subresource[];
}

export interface Subresource {
  name: string;
  group: string;
  version: string;
  kind: string;
  /**
   * Absent for the options kinds of connect subresources (`PodExecOptions`): they are query parameters, not
   * bodies.
   */
  schema?: string;
  verbs: string[];
}

const PATH = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/(?<rest>.+)$/;
const NAMESPACED = 'namespaces/{namespace}/';

/** Method or action of the description → verb of discovery and RBAC. */
const VERBS: Readonly<Record<string, string>> = {
  delete: 'delete',
  deletecollection: 'deletecollection',
  get: 'get',
  list: 'list',
  patch: 'patch',
  post: 'create',
  put: 'update',
};

/** A connect subresource (`exec`, `proxy`) is authorized by HTTP method. */
const CONNECT_VERBS: Readonly<Record<string, string>> = {
  delete: 'delete',
  get: 'get',
  patch: 'patch',
  post: 'create',
  put: 'update',
};

/** Reads every served resource with its subresources out of the paths. */
export function readResources(swagger: Swagger): Resource[] {
  const found = new Map<string, Resource>();
  const subresources: [owner: string, Subresource][] = [];

  for (const [path, operations] of Object.entries(swagger.paths)) {
    const groups = PATH.exec(path)?.groups;
    if (groups === undefined || path.includes('/watch/') || path.includes('{path}')) continue;
    const group = groups['group'] ?? '';
    const version = groups['core'] ?? groups['version'] ?? '';
    if (!/^v\d+$/.test(version) || GROUP_VERSIONS_NOT_SERVED.has(`${group}/${version}`)) continue;

    const gvk = Object.values(operations).find((o) => o['x-kubernetes-group-version-kind'] !== undefined);
    const kind = gvk?.['x-kubernetes-group-version-kind'];
    if (kind === undefined) continue;

    const rest = groups['rest'] ?? '';
    const isInNamespace = rest.startsWith(NAMESPACED);
    const [plural = '', , ...sub] = (isInNamespace ? rest.slice(NAMESPACED.length) : rest).split('/');
    if (RESOURCES_NOT_SERVED.has(plural)) continue;
    const key = `${group}/${version}/${plural}`;
    if (sub.length > 0) {
      subresources.push([key, subresourceOf(sub.join('/'), kind, operations)]);
      continue;
    }
    const resource = found.get(key) ?? newResource(kind, plural);
    resource.namespaced ||= isInNamespace;
    resource.verbs = [...new Set([...resource.verbs, ...verbsOf(operations)])].sort();
    found.set(key, resource);
  }

  for (const [owner, subresource] of subresources) found.get(owner)?.subresources.push(subresource);
  return [...found.values()].sort(byGroupVersionPlural);
}

function newResource({ group, version, kind }: GroupVersionKind, plural: string): Resource {
  const key = group === '' ? plural : `${group}/${plural}`;
  return {
    group,
    version,
    plural,
    singular: kind.toLowerCase(),
    kind,
    schema: '',
    namespaced: false,
    verbs: [],
    shortNames: [...(SHORT_NAMES[key] ?? [])],
    categories: [...(CATEGORIES[key] ?? [])],
    storage: STORAGE_PREFIXES[key] ?? plural,
    subresources: [],
  };
}

function verbsOf(operations: Readonly<Record<string, Operation>>): string[] {
  const verbs = Object.values(operations).flatMap((o) => VERBS[o['x-kubernetes-action'] ?? ''] ?? []);
  return verbs.includes('list') ? [...verbs, 'watch'] : verbs;
}

function subresourceOf(
  name: string,
  { group, version, kind }: GroupVersionKind,
  operations: Readonly<Record<string, Operation>>,
): Subresource {
  const verbs = Object.entries(operations).flatMap(([method, operation]) => {
    const action = operation['x-kubernetes-action'];
    if (action === undefined) return [];
    return (action === 'connect' ? CONNECT_VERBS[method] : VERBS[action]) ?? [];
  });
  return { name, group, version, kind, verbs: [...new Set(verbs)].sort() };
}

function byGroupVersionPlural(a: Resource, b: Resource): number {
  return compare(a.group, b.group) || compare(a.version, b.version) || compare(a.plural, b.plural);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
