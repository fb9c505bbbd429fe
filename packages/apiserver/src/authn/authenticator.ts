import { errors } from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';
import type { ApiRequest } from '../core/messages.ts';
import { anonymous, authenticated, type User } from '../core/user.ts';
import { bearerToken } from './bearer.ts';
import { userOfCertificate } from './x509.ts';

/** Knows the users of one kind of token; undefined: not one of mine, or not valid. */
export interface TokenAuthenticator {
  authenticate(token: string, audiences: readonly string[]): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  readonly user: User;
  /** Those of the asked-for audiences the token is good for. */
  readonly audiences: readonly string[];
}

/**
 * Who asks. Certificate first, then token, then nobody (`system:anonymous`).
 * Invariants
 *   S1  a credential that was given but is not valid is 401, never anonymous
 */
export class Authenticator {
  readonly #tokens: readonly TokenAuthenticator[];
  readonly #audiences: readonly string[];
  readonly #clock: Clock;

  constructor(deps: {
    readonly tokens: readonly TokenAuthenticator[];
    readonly audiences: readonly string[];
    readonly clock: Clock;
  }) {
    this.#tokens = deps.tokens;
    this.#audiences = deps.audiences;
    this.#clock = deps.clock;
  }

  async authenticate(request: Pick<ApiRequest, 'peer' | 'headers' | 'isUpgrade'>): Promise<User> {
    const { certificate } = request.peer;
    if (certificate === 'invalid') throw errors.unauthorized();
    if (certificate !== 'none') return authenticated(userOfCertificate(certificate, this.#clock.now()));
    const token = bearerToken(request);
    if (token === undefined) return anonymous;
    const found = await this.token(token, this.#audiences);
    if (found === undefined) throw errors.unauthorized();
    return authenticated(found.user);
  }

  /** The user of a token, good for at least one of the audiences (none given: the API server's own). */
  async token(token: string, audiences: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const wanted = audiences.length === 0 ? this.#audiences : audiences;
    for (const authenticator of this.#tokens) {
      const found = await authenticator.authenticate(token, wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
