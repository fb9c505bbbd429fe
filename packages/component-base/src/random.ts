/** Chance as an interface, so that the simulator can replay it from a seed. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, below). */
  int(below: number): number;
  bytes(length: number): Uint8Array;
  /** A version-4 UUID. */
  uuid(): string;
}

const ALPHANUMS = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters that form no words and no digits that look like letters: upstream's `rand.String` alphabet. */
export function randomSuffix(random: Random, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) text += ALPHANUMS[random.int(ALPHANUMS.length)];
  return text;
}

/** A small fast generator (mulberry32): the same seed gives the same sequence on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number): number => Math.floor(float() * below);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => int(256));
  return { float, int, bytes, uuid: () => uuidFrom(bytes(16)) };
}

export function uuidFrom(bytes: Uint8Array): string {
  const copy = Uint8Array.from(bytes);
  copy[6] = ((copy[6] ?? 0) & 0x0f) | 0x40;
  copy[8] = ((copy[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(copy, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
