import { errors } from '@kubelab/api';
import type { ApiRequest, BodyResponse } from '../core/messages.ts';
import type { RequestInfo } from '../core/request-info.ts';
import type { User } from '../core/user.ts';
import { textBody } from '../respond/body.ts';

/** Answers one path (or everything below one) that is no resource. undefined: not mine after all. */
export interface NonResourceRoute {
  readonly path: string;
  /** Everything below the path too. */
  readonly below?: boolean;
  handle(
    request: ApiRequest,
    info: RequestInfo,
  ): Promise<BodyResponse | undefined> | BodyResponse | undefined;
}

/** Health, version, discovery, OpenAPI, metrics. */
export class NonResourceHandler {
  readonly #routes: readonly NonResourceRoute[];

  constructor(routes: readonly NonResourceRoute[]) {
    this.#routes = routes;
  }

  async handle(request: ApiRequest, info: RequestInfo, _user: User): Promise<BodyResponse> {
    const path = info.path.length > 1 ? info.path.replace(/\/+$/, '') : info.path;
    for (const route of this.#routes) {
      const isHit = path === route.path || (route.below === true && path.startsWith(`${route.path}/`));
      if (!isHit) continue;
      if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed(request.method);
      const response = await route.handle(request, { ...info, path });
      if (response !== undefined) return response;
    }
    return textBody(404, '404 page not found\n');
  }
}

function methodNotAllowed(method: string): Error {
  return errors.methodNotAllowed({ group: '', resource: '' }, method.toLowerCase());
}
