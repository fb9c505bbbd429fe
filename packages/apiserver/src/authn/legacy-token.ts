import { createPublicKey } from 'node:crypto';
import { Secret, ServiceAccount } from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';
import { GROUP_SERVICE_ACCOUNTS, serviceAccountUserName } from '../core/user.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';
import { type VerificationKey, verificationKey, verifyToken } from './token-keys.ts';

const ISSUER = 'kubernetes/serviceaccount';
const CLAIM = 'kubernetes.io/serviceaccount/';
const TOKEN_KEY = 'token';

export interface LegacyTokensOptions {
  /** PEM of the keys that verify. */
  readonly publicKeys: readonly (string | Buffer)[];
  /** The API server's own: such a token names none, and is good for these. */
  readonly audiences: readonly string[];
  readonly lookup: Lookup;
  readonly clock: Clock;
}

/**
 * Tokens in Secrets of type `kubernetes.io/service-account-token`, which the controller manager signs. They have no end of their own:
 * S3  a token lives as long as the Secret that holds it and the service account it names, both by uid or content, not by name.
 */
export class LegacyServiceAccountTokens implements TokenAuthenticator {
  readonly #options: LegacyTokensOptions;
  readonly #keys: readonly VerificationKey[];

  constructor(options: LegacyTokensOptions) {
    this.#options = options;
    this.#keys = options.publicKeys.map((pem) => verificationKey(createPublicKey(pem)));
  }

  async authenticate(token: string, audiences: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const { lookup, clock } = this.#options;
    const good = audiences.filter((audience) => this.#options.audiences.includes(audience));
    if (good.length === 0) return undefined;
    const payload = await verifyToken(this.#keys, token, {
      issuer: ISSUER,
      requiredClaims: ['sub'],
      nowMs: clock.now(),
    });
    const claim = (name: string) => {
      const value = payload?.[`${CLAIM}${name}`];
      return typeof value === 'string' ? value : '';
    };
    const [namespace, name, uid] = [
      claim('namespace'),
      claim('service-account.name'),
      claim('service-account.uid'),
    ];
    const user = serviceAccountUserName(namespace, name);
    if (payload?.sub !== user) return undefined;
    const secret = await lookup.fresh(
      Secret,
      `${namespace}/${claim('secret.name')}`,
      ({ data, metadata }) => {
        const held = Buffer.from(data?.[TOKEN_KEY] ?? '', 'base64').toString();
        return held === token && metadata.deletionTimestamp === undefined;
      },
    );
    const account = await lookup.fresh(
      ServiceAccount,
      `${namespace}/${name}`,
      ({ metadata }) => metadata.uid === uid,
    );
    if (secret === undefined || account === undefined) return undefined;
    const groups = [GROUP_SERVICE_ACCOUNTS, `${GROUP_SERVICE_ACCOUNTS}:${namespace}`];
    return { user: { name: user, uid, groups, extra: {} }, audiences: good };
  }
}
