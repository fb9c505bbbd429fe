import type { Random } from '@kubelab/component-base';

/**
 * Delays that double from `firstMs` to `maxMs`, each spread by ±25 % so that many clients do not come back
 * at once.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  #failureCount = 0;

  constructor(firstMs: number, maxMs: number, random: Random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }
  nextMs(): number {
    const delayMs = Math.min(this.#firstMs * 2 ** this.#failureCount++, this.#maxMs);
    return delayMs * (0.75 + this.#random.float() / 2);
  }
  reset(): void {
    this.#failureCount = 0;
  }
}
