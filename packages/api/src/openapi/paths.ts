import { hasDefinition } from '../schema/index.ts';
import type { ServedResource, ServedSubresource } from '../scheme.ts';
import { type Json, schemaRef } from './schemas.ts';

/** Query parameters by the group of actions that take them; see the API reference of any collection. */
const LIST_QUERY = {
  allowWatchBookmarks: 'boolean',
  continue: 'string',
  fieldSelector: 'string',
  labelSelector: 'string',
  limit: 'integer',
  resourceVersion: 'string',
  resourceVersionMatch: 'string',
  sendInitialEvents: 'boolean',
  timeoutSeconds: 'integer',
  watch: 'boolean',
};
/** kubectl looks for `fieldValidation` here before it leaves checking to the server. */
const WRITE_QUERY = { dryRun: 'string', fieldManager: 'string', fieldValidation: 'string' };
const DELETE_QUERY = {
  dryRun: 'string',
  gracePeriodSeconds: 'integer',
  orphanDependents: 'boolean',
  propagationPolicy: 'string',
};

interface Action {
  readonly method: string;
  /** `x-kubernetes-action`. */
  readonly action: string;
  readonly query: Readonly<Record<string, string>>;
}

const COLLECTION_ACTIONS: Readonly<Record<string, Action>> = {
  list: { method: 'get', action: 'list', query: LIST_QUERY },
  create: { method: 'post', action: 'post', query: WRITE_QUERY },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    query: { ...LIST_QUERY, ...DELETE_QUERY },
  },
};
const ITEM_ACTIONS: Readonly<Record<string, Action>> = {
  get: { method: 'get', action: 'get', query: {} },
  update: { method: 'put', action: 'put', query: WRITE_QUERY },
  patch: { method: 'patch', action: 'patch', query: { ...WRITE_QUERY, force: 'boolean' } },
  delete: { method: 'delete', action: 'delete', query: DELETE_QUERY },
  create: { method: 'post', action: 'post', query: WRITE_QUERY },
};

const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const PATCH_BODY_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `paths` of the resources of one group version. */
export function pathsFor(resources: readonly ServedResource[]): Json {
  return Object.fromEntries(resources.flatMap(pathsOf));
}

function pathsOf(r: ServedResource): [path: string, item: Json][] {
  const root = r.group === '' ? `/api/${r.version}` : `/apis/${r.apiVersion}`;
  const collection = r.namespaced ? `${root}/namespaces/{namespace}/${r.resource}` : `${root}/${r.resource}`;
  const isListed = r.verbs.includes('list');
  const paths: [string, Json][] = [
    [collection, pathItem(r, r.schema, actionsOf(r.verbs, COLLECTION_ACTIONS), r.namespaced)],
  ];
  if (r.namespaced && isListed) {
    paths.push([
      `${root}/${r.resource}`,
      pathItem(r, r.schema, actionsOf(['list'], COLLECTION_ACTIONS), false),
    ]);
  }
  if (!isListed) return paths;
  const item = `${collection}/{name}`;
  const itemVerbs = r.verbs.filter((verb) => verb !== 'create');
  paths.push([item, pathItem(r, r.schema, actionsOf(itemVerbs, ITEM_ACTIONS), r.namespaced, true)]);
  for (const s of r.subresources) paths.push([`${item}/${s.name}`, subresourceItem(r, s)]);
  return paths;
}

function subresourceItem(r: ServedResource, s: ServedSubresource): Json {
  return pathItem(s, s.schema, actionsOf(s.verbs, ITEM_ACTIONS), r.namespaced, true);
}

function actionsOf(verbs: readonly string[], actions: Readonly<Record<string, Action>>): Action[] {
  return verbs.flatMap((verb) => actions[verb] ?? []);
}

function pathItem(
  { group, version, kind }: Kind,
  schema: string | undefined,
  actions: readonly Action[],
  isInNamespace: boolean,
  isNamed = false,
): Json {
  const names = [...(isInNamespace ? ['namespace'] : []), ...(isNamed ? ['name'] : [])];
  const operations = actions.map((action): [string, Json] => [
    action.method,
    { ...operation(action, schema), 'x-kubernetes-group-version-kind': { group, version, kind } },
  ]);
  const parameters = names.map((name) => parameter(name, 'path', 'string'));
  return { ...Object.fromEntries(operations), ...(parameters.length === 0 ? {} : { parameters }) };
}

function operation({ action, query }: Action, schema: string | undefined): Json {
  const body = bodyOf(action, schema);
  return {
    parameters: Object.entries({ pretty: 'string', ...query }).map(([name, type]) =>
      parameter(name, 'query', type),
    ),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { 200: { description: 'OK', ...contentOf(BODY_TYPES, replyOf(action, schema)) } },
    'x-kubernetes-action': action,
  };
}

function bodyOf(action: string, schema: string | undefined): Json | undefined {
  if (action === 'patch') return contentOf(PATCH_BODY_TYPES, { type: 'object' });
  if (action.startsWith('delete')) return contentOf(BODY_TYPES, schemaRef('DeleteOptions'));
  return schema === undefined || action === 'get' || action === 'list'
    ? undefined
    : contentOf(BODY_TYPES, schemaRef(schema));
}

function replyOf(action: string, schema: string | undefined): Json {
  if (schema === undefined || action.startsWith('delete')) return schemaRef('Status');
  const list = `${schema}List`;
  return schemaRef(action === 'list' && hasDefinition(list) ? list : schema);
}

function contentOf(types: readonly string[], schema: Json): Json {
  return { content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

function parameter(name: string, place: 'path' | 'query', type: string): Json {
  return {
    name,
    in: place,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}
