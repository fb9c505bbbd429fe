import type { ServedResource, ServedSubresource } from '@kubelab/api/server';
import type { ApiRequest } from '../core/messages.ts';
import type { RequestInfo } from '../core/request-info.ts';
import type { User } from '../core/user.ts';

/** One authorized request for a resource. */
export interface Call {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly resource: ServedResource;
  /** undefined: the object itself. */
  readonly subresource: ServedSubresource | undefined;
  readonly user: User;
  readonly query: URLSearchParams;
  /** Texts for `Warning` headers; verbs add to them. */
  readonly warnings: Set<string>;
  /** Throws 403 unless the user may also do this to the same object. */
  mayAlso(verb: string): Promise<void>;
}

export function keyOfCall({ info, resource }: Pick<Call, 'info' | 'resource'>): string {
  return resource.namespaced ? `${info.namespace}/${info.name}` : info.name;
}
