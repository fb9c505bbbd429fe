/** A slow call now and then is nothing; so many more slow ones than quick ones are a slow disk. */
const SLOW_COUNT_MAX = 4;
const SKIPPED_MIN = 8;
const SKIPPED_MAX = 256;

/**
 * Whether to wait for something in place: as long as it mostly takes but microseconds. What is slow is waited for
 * again after some calls, ever more of them while it stays slow: a disk of 10 ms per write holds up one call in 250.
 */
export class Patience {
  readonly #quickMs: number;
  #slowCount = 0;
  #skip = 0;
  #skipped = SKIPPED_MIN;

  constructor(quickMs: number) {
    this.#quickMs = quickMs;
  }

  mayBlock(): boolean {
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  took(ms: number): void {
    if (ms <= this.#quickMs) {
      this.#slowCount = Math.max(0, this.#slowCount - 1);
      if (this.#slowCount === 0) this.#skipped = SKIPPED_MIN;
      return;
    }
    if (++this.#slowCount < SLOW_COUNT_MAX) return;
    // The next one decides: still slow, or quick again.
    this.#slowCount = SLOW_COUNT_MAX - 1;
    this.#skip = this.#skipped;
    this.#skipped = Math.min(SKIPPED_MAX, this.#skipped * 2);
  }
}
