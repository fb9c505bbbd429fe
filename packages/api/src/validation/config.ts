/** ConfigMaps and Secrets: keys that can be files, a size that can be stored, and the word `immutable`. */
import { forbidden, invalid, required, tooLong } from '../field-errors.ts';
import type { ConfigMap, Secret } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { configMapKeyErrors } from '../names.ts';
import { because, type Errors, immutable } from './checks.ts';

const BYTES_MAX = 1024 * 1024;
const FROZEN = 'field is immutable when `immutable` is set';

export function* validateConfigMap(map: ConfigMap, old?: ConfigMap): Errors {
  if (old?.immutable === true) {
    if (map.immutable !== true) yield forbidden('immutable', FROZEN);
    for (const field of ['data', 'binaryData'] as const) {
      if (!semanticEqual(map[field] ?? {}, old[field] ?? {})) yield forbidden(field, FROZEN);
    }
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(map.data ?? {})) {
    yield* because(`data[${key}]`, key, configMapKeyErrors(key));
    if (Object.hasOwn(map.binaryData ?? {}, key))
      yield invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(map.binaryData ?? {})) {
    yield* because(`binaryData[${key}]`, key, configMapKeyErrors(key));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > BYTES_MAX) yield tooLong('', BYTES_MAX);
}

export function* validateSecret(secret: Secret, old?: Secret): Errors {
  if (old !== undefined) {
    yield* immutable('type', secret.type, old.type);
    if (old.immutable === true) {
      if (secret.immutable !== true) yield forbidden('immutable', FROZEN);
      if (!semanticEqual(secret.data ?? {}, old.data ?? {})) yield forbidden('data', FROZEN);
    }
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    yield* because(`data[${key}]`, key, configMapKeyErrors(key));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > BYTES_MAX) yield tooLong('data', BYTES_MAX);
  yield* validateSecretType(secret);
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

/**
 * Keys a secret of a known type must hold. A map: types come from outside, and an object has members of its
 * own.
 */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
]);

function* validateSecretType({ type = '', data = {}, metadata }: Secret): Errors {
  for (const key of REQUIRED_KEYS.get(type) ?? []) {
    if (data[key] === undefined) yield required(`data[${key}]`);
    else if (type.startsWith('kubernetes.io/docker') && !isJson(data[key])) {
      yield invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON');
    }
  }
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[ACCOUNT_NAME]) {
    yield required(`metadata.annotations[${ACCOUNT_NAME}]`);
  }
  if (type === 'kubernetes.io/basic-auth' && data.username === undefined && data.password === undefined) {
    yield required('data[username]');
    yield required('data[password]');
  }
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
