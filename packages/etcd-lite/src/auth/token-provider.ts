import type { AuthInfo } from '../wire.ts';

/**
 * How a user who has shown a password is known by later calls: etcd's `TokenProvider` (server/auth/store.go).
 */
export interface TokenProvider {
  /** What a token starts with, before the log makes it complete; '' where the log has no part in it. */
  newPrefix(): string;
  /** The token for a user whose password was right; `assigned` is what the log made of the prefix. */
  issue(username: string, authRevision: number, assigned: string): Promise<string>;
  /** Whose token that is; undefined: nobody's. `authRevision` is the present one. */
  identify(token: string, authRevision: number): Promise<AuthInfo | undefined>;
  /** The log entry that tells of the token; undefined: none does. */
  entryOf(token: string): number | undefined;
  /** The log says that the token is the user's. */
  assigned(token: string, username: string): void;
  /** The user is gone or has another password. */
  forgetUser(username: string): void;
  /** Auth was turned off, or the log was jumped over. */
  forgetAll(): void;
}

/** `--auth-token=''`: nobody gets a token, so that only certificates tell who asks. */
export function noTokens(refuse: () => never): TokenProvider {
  return {
    newPrefix: () => '',
    issue: refuse,
    identify: () => Promise.resolve(undefined),
    entryOf: () => undefined,
    assigned: () => undefined,
    forgetUser: () => undefined,
    forgetAll: () => undefined,
  };
}
