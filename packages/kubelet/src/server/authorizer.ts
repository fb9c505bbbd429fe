import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { KubeClient } from '@kubelab/client';
import type { Clock } from '@kubelab/component-base';

export type Decision =
  | { readonly type: 'allowed' }
  | { readonly type: 'unauthorized' }
  | { readonly type: 'forbidden'; readonly message: string };

export interface User {
  readonly username: string;
  readonly groups: readonly string[];
}

const API_SERVER_USER = 'kube-apiserver-kubelet-client';
const ALL_POWERFUL_GROUPS = ['system:masters', 'kubeadm:cluster-admins'];

export interface AuthorizerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly nodeName: string;
}

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
  };
}
interface AccessReview {
  readonly status?: { readonly allowed?: boolean };
}

const CACHE_MS = 10_000;
const CACHE_ENTRIES_MAX = 200;

/**
 * Who may use the kubelet's port: the API server by its certificate, and whoever the API server says may.
 * Invariants
 *   AUTH-1  without a verified certificate or a token that the API vouches for nobody is let in
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #cache = new Map<string, { readonly untilMs: number; readonly value: Promise<unknown> }>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  async decide(request: IncomingMessage): Promise<Decision> {
    const user = certificateUser(request) ?? (await this.#tokenUser(request));
    if (user === undefined) return { type: 'unauthorized' }; // AUTH-1
    if (user.username === API_SERVER_USER) return { type: 'allowed' };
    if (user.groups.some((group) => ALL_POWERFUL_GROUPS.includes(group))) return { type: 'allowed' };
    const verb = VERBS[request.method ?? 'GET'] ?? 'get';
    const subresource = subresourceOf(request.url ?? '/');
    if (await this.#mayAccess(user, verb, subresource)) return { type: 'allowed' };
    return {
      type: 'forbidden',
      message: `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource})`,
    };
  }

  #tokenUser(request: IncomingMessage): Promise<User | undefined> {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return Promise.resolve(undefined);
    return this.#cached(`token/${token}`, async () => {
      const review = await this.#options.client.raw<TokenReview>(
        'create',
        '/apis/authentication.k8s.io/v1/tokenreviews',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } },
      );
      const { authenticated, user } = review.status ?? {};
      return authenticated === true && user?.username !== undefined
        ? { username: user.username, groups: user.groups ?? [] }
        : undefined;
    });
  }

  #mayAccess(user: User, verb: string, subresource: string): Promise<boolean> {
    return this.#cached(`access/${JSON.stringify([user, verb, subresource])}`, async () => {
      const review = await this.#options.client.raw<AccessReview>(
        'create',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          metadata: {},
          spec: {
            user: user.username,
            groups: user.groups,
            resourceAttributes: {
              verb,
              resource: 'nodes',
              subresource,
              name: this.#options.nodeName,
              version: 'v1',
            },
          },
        },
      );
      return review.status?.allowed === true;
    });
  }

  async #cached<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const now = this.#options.clock.monotonic();
    const held = this.#cache.get(key);
    if (held !== undefined && held.untilMs > now) return held.value as Promise<T>;
    if (this.#cache.size >= CACHE_ENTRIES_MAX) this.#cache.clear();
    const value = ask();
    this.#cache.set(key, { untilMs: now + CACHE_MS, value });
    value.catch(() => this.#cache.delete(key));
    return value;
  }
}

/** The subject of the client's certificate, if the TLS layer has verified it against the client CA. */
function certificateUser(request: IncomingMessage): User | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as
    | Readonly<Record<string, string | readonly string[] | undefined>>
    | undefined;
  const name = subject?.['CN'];
  if (typeof name !== 'string' || name === '') return undefined;
  const organizations = subject?.['O'] ?? [];
  const groups = typeof organizations === 'string' ? [organizations] : organizations;
  return { username: name, groups: [...groups, 'system:authenticated'] };
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a path needs: the subresource of `nodes` that upstream's kubelet asks about. */
export function subresourceOf(url: string): string {
  const first = url.split(/[/?]/)[1];
  switch (first) {
    case 'stats':
      return 'stats';
    case 'metrics':
      return 'metrics';
    case 'logs':
      return 'log';
    default:
      return 'proxy';
  }
}
