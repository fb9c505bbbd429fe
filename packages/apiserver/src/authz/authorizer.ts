import { errors } from '@kubelab/api';
import type { RequestInfo } from '../core/request-info.ts';
import { ANONYMOUS, GROUP_MASTERS, type User } from '../core/user.ts';

/** May this user do this? */
export interface AccessRequest {
  readonly user: User;
  readonly isResource: boolean;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty: every namespace, or a resource without. */
  readonly namespace: string;
  readonly name: string;
  /** For what is no resource. */
  readonly path: string;
  /** The field selector of a list or watch, as text. */
  readonly selector: string | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  /** Why (not); may be empty. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(request: AccessRequest): Promise<Decision> | Decision;
}

/** Asked before there is a cache with roles in it, too. */
const PROBES = new Set(['/healthz', '/livez', '/readyz']);

/**
 * The first that allows decides; else it is forbidden, with all reasons. Members of `system:masters` may do
 * anything.
 * Before somebody is turned away the caches catch up with the store once: their role may have been bound on
 * the other server just now.
 */
export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];
  readonly #catchUp: () => Promise<boolean>;

  /** `catchUp` tells whether the caches are any newer now. */
  constructor(
    authorizers: readonly Authorizer[],
    catchUp: () => Promise<boolean> = () => Promise.resolve(false),
  ) {
    this.#authorizers = authorizers;
    this.#catchUp = catchUp;
  }

  async authorize(request: AccessRequest): Promise<Decision> {
    const isProbe = !request.isResource && request.verb === 'get' && PROBES.has(request.path);
    if (isProbe || request.user.groups.includes(GROUP_MASTERS)) return { allowed: true, reason: '' };
    const decision = await this.#decide(request);
    if (decision.allowed || request.user.name === ANONYMOUS || !(await this.#catchUp())) return decision;
    return this.#decide(request);
  }

  async #decide(request: AccessRequest): Promise<Decision> {
    const reasons: string[] = [];
    for (const authorizer of this.#authorizers) {
      const decision = await authorizer.authorize(request);
      if (decision.allowed) return decision;
      if (decision.reason !== '') reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join(', ') };
  }
}

export function accessRequestOf(user: User, info: RequestInfo, query: URLSearchParams): AccessRequest {
  return {
    user,
    isResource: info.isResource,
    verb: info.verb,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
    selector: query.get('fieldSelector') ?? undefined,
  };
}

/** The 403 in upstream's words. */
export function forbiddenError(request: AccessRequest, reason: string): Error {
  const who = `User ${JSON.stringify(request.user.name)} cannot ${request.verb}`;
  const why = reason === '' ? '' : `: ${reason}`;
  if (!request.isResource)
    return errors.forbidden(undefined, '', `${who} path ${JSON.stringify(request.path)}${why}`);
  const { group, resource, subresource, namespace, name } = request;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message = `${who} resource "${what}" in API group "${group}" ${scope}${why}`;
  return errors.forbidden({ group, resource }, name, message);
}
