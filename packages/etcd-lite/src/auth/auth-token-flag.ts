import { type Clock, type Random, UsageError } from '@kubelab/component-base';
import { EtcdError } from '../core/errors.ts';
import { jwtOptions } from './jwt-keys.ts';
import { JwtTokens } from './jwt-tokens.ts';
import { SimpleTokens } from './simple-tokens.ts';
import { noTokens, type TokenProvider } from './token-provider.ts';

/** etcd's `--auth-token`: `simple`, `jwt,sign-method=…,…`, or nothing. Throws `UsageError`. */
export function tokenProvider(
  flag: string,
  { clock, random, ttlMs }: { clock: Clock; random: Random; ttlMs: number },
): TokenProvider {
  const [kind, ...pairs] = flag.split(',');
  const options = optionsOf(pairs);
  if (kind === 'simple') return new SimpleTokens({ clock, random, ttlMs });
  if (kind === 'jwt') return new JwtTokens({ clock, ...jwtOptions(options) });
  if (kind === '') {
    return noTokens(() => {
      throw new EtcdError('authFailed');
    });
  }
  throw new UsageError(`--auth-token=${flag}: want simple or jwt,…`);
}

function optionsOf(pairs: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of pairs) {
    const [name = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0 || options.has(name)) {
      throw new UsageError(`--auth-token: ${pair} is not one more name=value`);
    }
    options.set(name, value);
  }
  return options;
}
