import type { Clock, Random } from '@kubelab/component-base';
import { tokenProvider } from './auth-token-flag.ts';
import type { AuthOptions } from './gate.ts';
import { BcryptPasswords } from './passwords.ts';

export { type AuthOptions, AuthGate, type Credentials } from './gate.ts';
export { POLICY } from './policy.ts';

export interface AuthFlags {
  readonly clock: Clock;
  readonly random: Random;
  /** etcd's `--auth-token`. */
  readonly token?: string;
  readonly ttlMs?: number;
  readonly bcryptCost?: number;
  readonly trustsCertificates?: boolean;
}

/** etcd's defaults where nothing else is said. Throws `UsageError` for a `token` that means nothing. */
export function authOptions({ clock, random, ...flags }: AuthFlags): AuthOptions {
  return {
    tokens: tokenProvider(flags.token ?? 'simple', { clock, random, ttlMs: flags.ttlMs ?? 300_000 }),
    passwords: new BcryptPasswords({ clock, cost: flags.bcryptCost ?? 10 }),
    trustsCertificates: flags.trustsCertificates ?? false,
  };
}
