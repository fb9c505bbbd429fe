import { ApiError, errors } from '@kubelab/api';
import { findResource, type ServedResource } from '@kubelab/api/server';
import { AssertionError, type Clock, errorMessage, type Logger, type Random } from '@kubelab/component-base';
import type { Authenticator } from './authn/authenticator.ts';
import { impersonate } from './authn/impersonation.ts';
import { type AccessRequest, accessRequestOf, type Authorizer, forbiddenError } from './authz/authorizer.ts';
import { NotFreshError } from './cache/freshness.ts';
import type { InflightLimiter } from './core/inflight.ts';
import { ACCEPTED_TYPES, negotiate, type Negotiated } from './core/media-type.ts';
import type { ApiRequest, ApiResponse, Outcome } from './core/messages.ts';
import { MalformedPathError, type RequestInfo, requestInfo } from './core/request-info.ts';
import type { User } from './core/user.ts';
import type { RequestMetrics } from './metrics.ts';
import type { NonResourceHandler } from './non-resource/handler.ts';
import type { Call } from './registry/call.ts';
import type { Dispatcher } from './registry/dispatch.ts';
import { errorBody } from './respond/body.ts';
import { respond } from './respond/outcome.ts';
import { prettyWhereWanted } from './respond/pretty.ts';
import { StoreError } from './store/store.ts';

export interface PipelineDeps {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly dispatcher: Dispatcher;
  readonly nonResource: NonResourceHandler;
  readonly limiter: InflightLimiter;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Who asks for what: the outcome of the stages every request goes through. */
export interface Admitted {
  readonly info: RequestInfo;
  readonly user: User;
}

/**
 * The one way through the server, whatever door a request came by:
 * request info → authentication → impersonation → limits → authorization → verb (decode, admission, storage)
 * → response.
 */
export class Pipeline {
  readonly #deps: PipelineDeps;

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { metrics, clock } = this.#deps;
    const startMs = clock.monotonic();
    let info: RequestInfo | undefined;
    let response: ApiResponse;
    const warnings = new Set<string>();
    try {
      info = infoOf(request);
      response = await this.#handle(request, info, warnings);
    } catch (error) {
      response = errorBody(this.#refusal(error, request), [...warnings]);
    }
    metrics.observe(info, response.code, clock.monotonic() - startMs);
    return this.#withHeaders(request, response);
  }

  /** The stages up to authorization, for connections that are upgraded afterwards. Throws ApiError. */
  async admit(request: ApiRequest): Promise<Admitted & { readonly call: Call }> {
    const info = infoOf(request);
    const { user, access } = await this.#identify(request, info);
    await this.#authorize(access);
    return { info, user, call: this.#call(request, info, user, new Set()) };
  }

  /** Whatever went wrong, as a refusal. */
  refusal(error: unknown, request: ApiRequest): ApiError {
    return this.#refusal(error, request);
  }

  async #handle(request: ApiRequest, info: RequestInfo, warnings: Set<string>): Promise<ApiResponse> {
    const { user, access } = await this.#identify(request, info);
    const leave = this.#deps.limiter.enter(info, user);
    try {
      await this.#authorize(access);
      if (!info.isResource) return await this.#deps.nonResource.handle(request, info, user);
      const output = outputFor(request, info);
      const call = this.#call(request, info, user, warnings);
      const outcome: Outcome = await this.#deps.dispatcher.dispatch(call);
      const nowMs = () => this.#deps.clock.now();
      return await respond(outcome, { output, resource: call.resource, query: request.query, nowMs }, [
        ...warnings,
      ]);
    } finally {
      leave();
    }
  }

  async #identify(request: ApiRequest, info: RequestInfo): Promise<{ user: User; access: AccessRequest }> {
    const { authenticator, authorizer } = this.#deps;
    const proven = await authenticator.authenticate(request);
    const user = await impersonate(proven, request.headers, authorizer);
    return { user, access: accessRequestOf(user, info, request.query) };
  }

  async #authorize(access: AccessRequest): Promise<void> {
    const { allowed, reason } = await this.#deps.authorizer.authorize(access);
    if (!allowed) throw forbiddenError(access, reason);
  }

  #call(request: ApiRequest, info: RequestInfo, user: User, warnings: Set<string>): Call {
    const resource = findResource(info.group, info.version, info.resource);
    if (resource === undefined) throw errors.noSuchPath();
    checkScope(resource, info);
    const subresource =
      info.subresource === ''
        ? undefined
        : resource.subresources.find(({ name }) => name === info.subresource);
    if (info.subresource !== '' && subresource === undefined) throw errors.noSuchPath();
    const mayAlso = (verb: string) =>
      this.#authorize({ ...accessRequestOf(user, info, request.query), verb });
    return { request, info, resource, subresource, user, query: request.query, warnings, mayAlso };
  }

  #refusal(error: unknown, request: ApiRequest): ApiError {
    if (error instanceof ApiError) return error;
    if (error instanceof MalformedPathError) return errors.badRequest(error.message);
    if (error instanceof NotFreshError) {
      return error.kind === 'not-synced'
        ? errors.serviceUnavailable(error.message, 1)
        : errors.timeout(error.message, 1);
    }
    if (error instanceof StoreError) return ofStore(error);
    // A broken invariant is a bug: the process must not go on as if nothing was.
    if (error instanceof AssertionError) setImmediate(() => throwLater(error));
    this.#deps.log.error('request failed', { err: error, method: request.method, path: request.path });
    return errors.internalError(errorMessage(error));
  }

  #withHeaders(request: ApiRequest, response: ApiResponse): ApiResponse {
    const auditId = request.headers['audit-id'];
    const headers = {
      'audit-id': auditId !== undefined && /^[\w-]{1,64}$/.test(auditId) ? auditId : this.#deps.random.uuid(),
      'cache-control': 'no-cache, private',
      ...response.headers,
    };
    return { ...prettyWhereWanted(request, response), headers };
  }
}

function infoOf(request: ApiRequest): RequestInfo {
  return requestInfo(request.method, request.path, request.query);
}

function outputFor(request: ApiRequest, info: RequestInfo): Negotiated {
  // The log is text whatever the client accepts.
  const output = negotiate(info.subresource === 'log' ? undefined : request.headers['accept']);
  if (output === undefined) throw errors.notAcceptable(ACCEPTED_TYPES);
  return output;
}

/** `/api/v1/nodes/x` has no namespace, `/api/v1/namespaces/ns/pods/x` must have one. */
function checkScope(resource: ServedResource, info: RequestInfo): void {
  const isNamespaceItself = resource.group === '' && resource.resource === 'namespaces';
  if (!resource.namespaced && info.namespace !== '' && !isNamespaceItself) throw errors.noSuchPath();
  const isOne =
    info.verb === 'get' || info.verb === 'update' || info.verb === 'patch' || info.verb === 'delete';
  if (resource.namespaced && info.namespace === '' && isOne) throw errors.noSuchPath();
}

function ofStore(error: StoreError): ApiError {
  switch (error.kind) {
    case 'unavailable':
      return errors.serviceUnavailable(error.message, 1);
    // A write may have been done: only the client can look.
    case 'unknown':
      return errors.timeout(error.message, 1);
    case 'compacted':
      return errors.expired(error.message);
    case 'future-revision':
    case 'refused':
      return errors.internalError(error);
  }
}

function throwLater(error: Error): never {
  throw error;
}
