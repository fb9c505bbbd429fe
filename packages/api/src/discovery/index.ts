/** What is served, in the three shapes that clients ask for: one document a door, and the older lists. */
import { groupVersion } from '../meta.ts';
import { resources, type ServedResource, type ServedSubresource } from '../scheme.ts';

/**
 * The order of `/apis` decides which group wins a name that several groups know. Groups not named here follow
 * by name.
 */
const GROUP_ORDER = [
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'resource.k8s.io',
];

interface Group {
  readonly name: string;
  /** Preferred first. */
  readonly versions: readonly string[];
}

export interface APIVersions {
  kind: 'APIVersions';
  versions: string[];
  serverAddressByClientCIDRs: { clientCIDR: string; serverAddress: string }[];
}

/** `GET /api`. `serverAddress` is `host:port` as clients reach it. */
export function apiVersions(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `GET /apis`. */
export function apiGroupList(): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupEntry) };
}

/** `GET /apis/<group>`; undefined when nothing of the group is served. */
export function apiGroup(name: string): object | undefined {
  const group = groups().find((g) => g.name === name);
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

/** `GET /api/v1`, `GET /apis/<group>/<version>`; undefined when nothing of it is served. */
export function apiResourceList(apiVersion: string): object | undefined {
  const served = resources.filter((r) => r.apiVersion === apiVersion);
  if (served.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(apiVersion === 'v1' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersion,
    resources: served.flatMap((r) => [
      resourceEntry(r),
      ...r.subresources.map((s) => subresourceEntry(r, s)),
    ]),
  };
}

/** `GET /api` (`core`) or `GET /apis` (`apis`) as one APIGroupDiscoveryList. */
export function aggregatedDiscovery(door: 'core' | 'apis', version: 'v2' | 'v2beta1'): object {
  const all: Group[] = door === 'core' ? [{ name: '', versions: ['v1'] }] : groups();
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: all.map(({ name, versions }) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((v) => ({
        version: v,
        freshness: 'Current',
        resources: resources.filter((r) => r.group === name && r.version === v).map(discoveryEntry),
      })),
    })),
  };
}

function groups(): Group[] {
  const versions = new Map<string, Set<string>>();
  for (const { group, version } of resources) {
    if (group !== '') versions.set(group, (versions.get(group) ?? new Set()).add(version));
  }
  const rank = (name: string): number =>
    GROUP_ORDER.includes(name) ? GROUP_ORDER.indexOf(name) : GROUP_ORDER.length;
  return [...versions]
    .map(([name, found]) => ({ name, versions: [...found].sort().reverse() }))
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

function groupEntry({ name, versions }: Group): object {
  const entries = versions.map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

function resourceEntry(r: ServedResource): object {
  return {
    name: r.resource,
    singularName: r.singular,
    namespaced: r.namespaced,
    kind: r.kind,
    verbs: r.verbs,
    ...words(r),
  };
}

function subresourceEntry(r: ServedResource, s: ServedSubresource): object {
  const isForeign = s.group !== r.group || s.version !== r.version;
  return {
    name: `${r.resource}/${s.name}`,
    singularName: '',
    namespaced: r.namespaced,
    ...(isForeign ? { group: s.group, version: s.version } : {}),
    kind: s.kind,
    verbs: s.verbs,
  };
}

function discoveryEntry(r: ServedResource): object {
  const { group, version, kind } = r;
  const subresources = r.subresources.map((s) => ({
    subresource: s.name,
    responseKind: { group: s.group, version: s.version, kind: s.kind },
    verbs: s.verbs,
  }));
  return {
    resource: r.resource,
    responseKind: { group, version, kind },
    scope: r.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: r.singular,
    verbs: r.verbs,
    ...words(r),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

function words({ shortNames, categories }: ServedResource): object {
  return {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}
