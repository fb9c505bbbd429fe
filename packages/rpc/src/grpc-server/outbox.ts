export interface Sender {
  /** Hands everything that waits to the connection. */
  flush(): void;
}

/**
 * Answers of one turn of the event loop leave together, after everything that came in has been read: connections
 * then write once for many answers, and clients are woken once. Where there was but one answer in the turn before,
 * the next is not kept waiting.
 */
export class Outbox {
  #senders: Sender[] = [];
  /** Answers of this turn and of the one before. */
  #count = 0;
  #lastCount = 0;

  /** Once a turn and sender. */
  add(sender: Sender): void {
    if (this.#count++ > 0) {
      this.#senders.push(sender);
      return;
    }
    setImmediate(this.#endTurn);
    if (this.#lastCount > 1) this.#senders.push(sender);
    else sender.flush();
  }

  readonly #endTurn = (): void => {
    const senders = this.#senders;
    this.#senders = [];
    this.#lastCount = this.#count;
    this.#count = 0;
    for (const sender of senders) sender.flush();
  };
}
