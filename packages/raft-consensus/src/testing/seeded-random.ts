/** mulberry32: small, fast, and the same sequence from the same seed everywhere. */
export interface SeededRandom {
  float(): number;
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T | undefined;
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number): number => Math.floor(float() * below);
  return {
    float,
    int,
    chance: (probability) => float() < probability,
    pick: (items) => items[int(items.length)],
  };
}
