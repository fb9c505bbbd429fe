import type { KeyObject } from 'node:crypto';
import type { Clock } from '@kubelab/component-base';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { AuthInfo } from '../wire.ts';
import type { TokenProvider } from './token-provider.ts';

export interface JwtOptions {
  readonly clock: Clock;
  /** `RS256`, `ES256`, `EdDSA`, `HS256`, … */
  readonly algorithm: string;
  /** Undefined: this member can tell whose token it is, but gives none. */
  readonly signKey: KeyObject | undefined;
  readonly verifyKey: KeyObject;
  readonly ttlMs: number;
}

/**
 * Signed tokens, which no member needs to remember: name, auth revision and end are written in them. A token of
 * an older auth revision is refused (`revision of auth store is old`), and the client gets itself a new one.
 */
export class JwtTokens implements TokenProvider {
  readonly #options: JwtOptions;

  constructor(options: JwtOptions) {
    this.#options = options;
  }

  newPrefix(): string {
    return '';
  }

  async issue(username: string, authRevision: number): Promise<string> {
    const { clock, algorithm, signKey, ttlMs } = this.#options;
    if (signKey === undefined) {
      throw new RpcError(StatusCode.UNKNOWN, 'auth: token signing attempted with verify-only key');
    }
    const { SignJWT } = await import('jose');
    return new SignJWT({ username, revision: authRevision })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setExpirationTime(Math.floor((clock.now() + ttlMs) / 1000))
      .sign(signKey);
  }

  async identify(token: string): Promise<AuthInfo | undefined> {
    const { clock, algorithm, verifyKey } = this.#options;
    const { errors, jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify(token, verifyKey, {
        algorithms: [algorithm],
        currentDate: new Date(clock.now()),
      });
      const { username, revision } = payload;
      if (typeof username !== 'string' || typeof revision !== 'number') return undefined;
      return Number.isSafeInteger(revision) ? { username, authRevision: revision } : undefined;
    } catch (error) {
      // Whatever is wrong with it: it is not one of ours.
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  entryOf(): undefined {
    return undefined;
  }

  // It needs to remember nothing.
  assigned(): void {}
  forgetUser(): void {}
  forgetAll(): void {}
}
