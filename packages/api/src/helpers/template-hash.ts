/** Short stable hashes of pod templates, as in `pod-template-hash`, and the alphabet of generated names. */

/** No vowels, no look-alikes: no accidental words in names (`k8s.io/apimachinery/pkg/util/rand`). */
export const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const utf8 = new TextEncoder();

export function fnv1a32(bytes: Uint8Array, seed = FNV_OFFSET): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  return hash;
}

/**
 * The hash of any JSON value: the same whatever the order of keys. With `collisionCount` the same template
 * gets another hash, which is how a Deployment steps around a ReplicaSet name that is taken.
 */
export function hashOf(template: unknown, collisionCount?: number): string {
  const salt = collisionCount === undefined ? '' : `#${collisionCount}`;
  const hash = fnv1a32(utf8.encode(canonicalJson(template) + salt));
  return safeEncode(String(hash));
}

/** Each character replaced by one of the safe alphabet (`rand.SafeEncodeString`). */
export function safeEncode(text: string): string {
  return [...utf8.encode(text)].map((byte) => SAFE_ALPHABET[byte % SAFE_ALPHABET.length]).join('');
}

/** JSON with sorted keys and nothing undefined. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`;
}
