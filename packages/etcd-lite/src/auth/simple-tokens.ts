import { assert, type Clock, type Random } from '@kubelab/component-base';
import type { AuthInfo } from '../wire.ts';
import type { TokenProvider } from './token-provider.ts';

interface Token {
  readonly username: string;
  readonly expiryMs: number;
}

export interface SimpleTokensOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Since the last use. */
  readonly ttlMs: number;
}

/**
 * Random texts that members remember: `<16 letters>.<index of the log entry that gave it>`. All members hear of
 * each through the log, so that a client may go on at another one. In memory only: after a restart or a
 * snapshot clients must show their passwords again.
 * Invariants
 *   AUTH-4  a token is of one user only, and not worth anything any more once that user is gone, has another
 *           password, or has not used it for its time to live
 */
export class SimpleTokens implements TokenProvider {
  readonly #options: SimpleTokensOptions;
  /** In the order in which they run out. */
  readonly #tokens = new Map<string, Token>();

  constructor(options: SimpleTokensOptions) {
    this.#options = options;
  }

  newPrefix(): string {
    let prefix = '';
    while (prefix.length < PREFIX_LENGTH) {
      // Beyond the last multiple some letters would come more often than others.
      for (const byte of this.#options.random.bytes(PREFIX_LENGTH))
        if (byte < FAIR_BELOW) prefix += LETTERS[byte % LETTERS.length];
    }
    return prefix.slice(0, PREFIX_LENGTH);
  }

  issue(_username: string, _authRevision: number, assigned: string): Promise<string> {
    return Promise.resolve(assigned);
  }

  identify(text: string, authRevision: number): Promise<AuthInfo | undefined> {
    const token = this.#tokens.get(text);
    if (token === undefined) return Promise.resolve(undefined);
    this.#tokens.delete(text);
    if (token.expiryMs <= this.#options.clock.monotonic()) return Promise.resolve(undefined);
    this.#remember(text, token.username);
    return Promise.resolve({ username: token.username, authRevision });
  }

  entryOf(text: string): number | undefined {
    const index = /^[^.]+\.(\d{1,15})$/.exec(text)?.[1];
    return index === undefined ? undefined : Number(index);
  }

  assigned(text: string, username: string): void {
    assert(!this.#tokens.has(text), 'AUTH-4', 'a token was given twice');
    this.#dropExpired();
    this.#remember(text, username);
  }

  forgetUser(username: string): void {
    for (const [text, token] of this.#tokens) if (token.username === username) this.#tokens.delete(text);
  }

  forgetAll(): void {
    this.#tokens.clear();
  }

  #remember(text: string, username: string): void {
    const { clock, ttlMs } = this.#options;
    this.#tokens.set(text, { username, expiryMs: clock.monotonic() + ttlMs });
  }

  #dropExpired(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const [text, { expiryMs }] of this.#tokens) {
      if (expiryMs > nowMs) return;
      this.#tokens.delete(text);
    }
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const PREFIX_LENGTH = 16;
const FAIR_BELOW = 256 - (256 % LETTERS.length);
