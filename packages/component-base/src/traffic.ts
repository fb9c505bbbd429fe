/**
 * Whether somebody comes alone: then there is nothing to gain by waiting for others, who could share the work of this
 * turn of the event loop.
 */
export class Traffic {
  #count = 0;
  /** Of the last turn in which anybody came. */
  #lastCount = 0;

  /** Counts one more. True: the first in this turn, after a turn in which no more than one came. */
  isFirstOfFew(): boolean {
    if (this.#count++ > 0) return false;
    setImmediate(() => {
      this.#lastCount = this.#count;
      this.#count = 0;
    });
    return this.#lastCount <= 1;
  }
}
