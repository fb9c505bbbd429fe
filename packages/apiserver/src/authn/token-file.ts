import { createHash, timingSafeEqual } from 'node:crypto';
import type { User } from '../core/user.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';

/**
 * `--token-auth-file`: lines of `token,user,uid,"group1,group2"`. Throws Error with the line's number for a
 * line that is none.
 */
export class TokenFile implements TokenAuthenticator {
  readonly #users: { readonly digest: Buffer; readonly user: User }[] = [];

  constructor(text: string) {
    for (const [index, line] of text.split('\n').entries()) {
      const trimmed = line.trim();
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      const [token, name, uid, groups] = fieldsOf(trimmed);
      if (!token || !name || uid === undefined)
        throw new Error(`token file line ${index + 1}: expected token,user,uid[,groups]`);
      this.#users.push({
        digest: digestOf(token),
        user: { name, uid, groups: (groups ?? '').split(',').filter((g) => g !== '') },
      });
    }
  }

  authenticate(token: string, audiences: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const digest = digestOf(token);
    // Digests of equal length, each compared in constant time: no hint of how close a guess was.
    const found = this.#users.filter((entry) => timingSafeEqual(entry.digest, digest))[0];
    return Promise.resolve(found && { user: found.user, audiences });
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Comma-separated, a field may be in double quotes. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    (quoted ?? plain ?? '').trim(),
  );
}
