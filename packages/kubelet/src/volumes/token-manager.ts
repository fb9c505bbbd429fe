import { ServiceAccount } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import type { Clock } from '@kubelab/component-base';
import type { PodObject } from '../core/types.ts';
import { retryForbidden } from './retry-forbidden.ts';

export interface TokenWish {
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

interface Held {
  readonly token: string;
  readonly refreshAtMs: number;
}

interface TokenReply {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

/** A token is renewed when four fifths of its life are over, and once a day in any case: upstream's rule. */
const REFRESH_AFTER_SHARE = 0.8;
const TOKEN_AGE_MS_MAX = 24 * 3600 * 1000;

/** Tokens of service accounts, bound to the pod they were asked for. */
export class TokenManager {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: PodObject, { audience, expirationSeconds }: TokenWish): Promise<string> {
    const key = `${pod.metadata.uid}/${audience ?? ''}/${expirationSeconds}`;
    const held = this.#held.get(key);
    if (held !== undefined && this.#clock.now() < held.refreshAtMs) return held.token;
    const askedMs = this.#clock.now();
    const ask = () =>
      this.#client.createSubresource<TokenReply>(
        ServiceAccount,
        { namespace: pod.metadata.namespace, name: pod.spec.serviceAccountName ?? 'default' },
        'token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: {
            audiences: audience === undefined || audience === '' ? [] : [audience],
            expirationSeconds,
            boundObjectRef: {
              apiVersion: 'v1',
              kind: 'Pod',
              name: pod.metadata.name,
              uid: pod.metadata.uid,
            },
          },
        },
      );
    const reply = await retryForbidden(this.#clock, ask);
    const lifeMs = Date.parse(reply.status.expirationTimestamp) - askedMs;
    const refreshAtMs = askedMs + Math.min(lifeMs * REFRESH_AFTER_SHARE, TOKEN_AGE_MS_MAX);
    this.#held.set(key, { token: reply.status.token, refreshAtMs });
    return reply.status.token;
  }

  forget(podUid: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${podUid}/`)) this.#held.delete(key);
  }
}
