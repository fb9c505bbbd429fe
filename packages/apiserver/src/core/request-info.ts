import { ApiError, parseFieldSelector } from '@kubelab/api';

/**
 * What a request is about, read from its method, path and query alone (upstream: `RequestInfoFactory`).
 *
 *   /api/v1/namespaces/default/pods/web/status   → resource pods, namespace default, name web, subresource
 *   status
 *   /apis/apps/v1/deployments                    → resource deployments in every namespace
 *   /healthz, /version, /openapi/v3              → no resource: only `path` and the lower-case method as verb
 */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  /**
   * get, list, watch, create, update, patch, delete, deletecollection; for other paths the lower-case method.
   */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource: `/proxy/a/b` gives [`a`, `b`]. */
  readonly rest: readonly string[];
}

/** A path that cannot be decoded. */
export class MalformedPathError extends Error {}

const VERB_OF_METHOD: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; any other word after `/namespaces/x/` is a resource inside it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);
const PATH_SEGMENTS_MAX = 64;

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const segments = splitPath(path);
  const root = segments[0];
  const isCore = root === 'api' && segments.length >= 3;
  const isGroup = root === 'apis' && segments.length >= 4;
  if (!isCore && !isGroup) return nonResource(method, path);

  const group = isCore ? '' : (segments[1] ?? '');
  const version = (isCore ? segments[1] : segments[2]) ?? '';
  let rest = segments.slice(isCore ? 2 : 3);
  let verb = VERB_OF_METHOD[method] ?? method.toLowerCase();
  if (rest[0] === 'watch' && rest.length > 1) {
    rest = rest.slice(1);
    verb = 'watch';
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2] ?? '')) rest = rest.slice(2);
  }
  const [resource = '', name = '', subresource = '', ...tail] = rest;
  for (const word of [namespace, name]) {
    if (word.includes('/') || word === '.' || word === '..')
      throw new MalformedPathError('a name may not contain "/"');
  }
  if (name === '') verb = collectionVerb(verb, query);
  else if (verb === 'get' && subresource === '' && isTrue(query.get('watch'))) verb = 'watch';
  return {
    isResource: true,
    path,
    verb,
    group,
    version,
    namespace,
    resource,
    subresource,
    name: name === '' ? nameFromSelector(verb, query) : name,
    rest: tail,
  };
}

/** The request addresses one object by its path, not a collection that a field selector narrows down. */
export function namesOneObject(info: RequestInfo): boolean {
  return (
    info.name !== '' && info.verb !== 'list' && info.verb !== 'watch' && info.verb !== 'deletecollection'
  );
}

export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: [],
  };
}

function collectionVerb(verb: string, query: URLSearchParams): string {
  if (verb === 'get') return isTrue(query.get('watch')) ? 'watch' : 'list';
  if (verb === 'delete') return 'deletecollection';
  return verb;
}

/** A list of one object by `metadata.name=x` is authorized like a read of that object. */
function nameFromSelector(verb: string, query: URLSearchParams): string {
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return '';
  const selector = query.get('fieldSelector') ?? '';
  if (!selector.includes('metadata.name')) return '';
  try {
    return parseFieldSelector(selector).exact('metadata.name') ?? '';
  } catch (error) {
    // Whoever lists will say what is wrong with it.
    if (error instanceof ApiError) return '';
    throw error;
  }
}

function splitPath(path: string): string[] {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length > PATH_SEGMENTS_MAX) throw new MalformedPathError('the path has too many segments');
  try {
    return segments.map((segment) => decodeURIComponent(segment));
  } catch {
    throw new MalformedPathError('the path is not valid percent-encoding');
  }
}
