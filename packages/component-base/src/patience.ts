/**
 * A blocking call that took longer than this should have gone to another thread. That costs 60 µs where nothing
 * else runs, and several times as much where cores are busy: which is also where quick disks seem slower.
 */
const QUICK_MS = 0.5;
/** A slow call now and then is nothing; so many more slow ones than quick ones are a slow disk. */
const SLOW_COUNT_MAX = 4;
const SKIPPED_MIN = 8;
const SKIPPED_MAX = 256;

/**
 * Whether to wait for the disk in place: as long as it mostly answers within microseconds. A slow disk is asked
 * again after some calls, ever more of them while it stays slow: one of 10 ms per write holds up one call in 250.
 */
export class Patience {
  #slowCount = 0;
  #skip = 0;
  #skipped = SKIPPED_MIN;

  mayBlock(): boolean {
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  took(ms: number): void {
    if (ms <= QUICK_MS) {
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
