import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorMessage, parseDuration, UsageError } from '@kubelab/component-base';
import type { JwtOptions } from './jwt-tokens.ts';

const TTL_MS = 300_000;
const KEY_TYPES: Readonly<Record<string, string>> = { RS: 'rsa', PS: 'rsa', ES: 'ec', Ed: 'ed25519' };
const ALGORITHM = /^((HS|RS|PS|ES)(256|384|512)|EdDSA)$/;

/**
 * `pub-key=…,priv-key=…,sign-method=…,ttl=…` of etcd's `--auth-token=jwt,…`: keys are files in PEM, but for HS*,
 * whose secret is the whole `priv-key` file. Throws `UsageError`.
 */
export function jwtOptions(options: ReadonlyMap<string, string>): Omit<JwtOptions, 'clock'> {
  const algorithm = options.get('sign-method') ?? '';
  if (!ALGORITHM.test(algorithm)) {
    throw new UsageError(
      `--auth-token: ${algorithm || 'no'} sign-method, want RS256, ES256, EdDSA, HS256, …`,
    );
  }
  const ttl = options.get('ttl') ?? '';
  const ttlMs = ttl === '' ? TTL_MS : parseDuration(ttl);
  if (ttlMs === undefined) throw new UsageError(`--auth-token: ttl=${ttl} is no duration`);
  return { algorithm, ttlMs, ...keys(algorithm, options.get('priv-key'), options.get('pub-key')) };
}

function keys(
  algorithm: string,
  privateFile: string | undefined,
  publicFile: string | undefined,
): Pick<JwtOptions, 'signKey' | 'verifyKey'> {
  if (algorithm.startsWith('HS')) {
    if (privateFile === undefined) throw new UsageError(`--auth-token: ${algorithm} needs a priv-key`);
    const secret = read(privateFile, createSecretKey);
    return { signKey: secret, verifyKey: secret };
  }
  const signKey = privateFile === undefined ? undefined : read(privateFile, createPrivateKey);
  const publicKey = publicFile === undefined ? undefined : read(publicFile, createPublicKey);
  const own = signKey === undefined ? undefined : createPublicKey(signKey);
  const verifyKey = publicKey ?? own;
  if (verifyKey === undefined)
    throw new UsageError(`--auth-token: ${algorithm} needs a pub-key or a priv-key`);
  if (own !== undefined && !verifyKey.equals(own)) {
    throw new UsageError(`--auth-token: ${publicFile} is not the public key of ${privateFile}`);
  }
  const wanted = KEY_TYPES[algorithm.slice(0, 2)];
  if (verifyKey.asymmetricKeyType !== wanted) {
    throw new UsageError(`--auth-token: ${algorithm} needs a key of type ${wanted}`);
  }
  return { signKey, verifyKey };
}

function read(file: string, parse: (bytes: Buffer) => KeyObject): KeyObject {
  try {
    return parse(readFileSync(file));
  } catch (error) {
    throw new UsageError(`--auth-token: ${file}: ${errorMessage(error)}`);
  }
}
