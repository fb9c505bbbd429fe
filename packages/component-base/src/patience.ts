/** A blocking call that took longer than this should have gone to another thread, which costs about 60 µs. */
const QUICK_MS = 0.25;
const SKIPPED_MIN = 8;
const SKIPPED_MAX = 4096;

/**
 * Whether to wait for the disk in place: as long as it answers within microseconds. After a slow answer the next calls
 * are not waited for, ever more of them while it stays slow, so that a disk of 10 ms per write holds up one call
 * in thousands.
 */
export class Patience {
  #skip = 0;
  #skipped = SKIPPED_MIN;

  mayBlock(): boolean {
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  took(ms: number): void {
    if (ms <= QUICK_MS) {
      this.#skipped = SKIPPED_MIN;
      return;
    }
    this.#skip = this.#skipped;
    this.#skipped = Math.min(SKIPPED_MAX, this.#skipped * 2);
  }
}
