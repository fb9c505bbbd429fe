/** From callbacks to an async iterable: `push` never waits, the one reader takes in order. */
export class Channel<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #isEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #itemsMax: number;

  /** A reader so slow that `itemsMax` wait for it is cut off. */
  constructor(itemsMax = 100_000) {
    this.#itemsMax = itemsMax;
  }
  push(item: T): void {
    if (this.#isEnded) return;
    if (this.#items.length >= this.#itemsMax) return this.end(new Error('reader too slow'));
    this.#items.push(item);
    this.#wake?.();
  }
  /** What was pushed is still read; then the iteration ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wake?.();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const batch = this.#items;
      this.#items = [];
      yield* batch;
      if (this.#items.length > 0) continue;
      if (this.#isEnded) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}
