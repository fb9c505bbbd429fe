export interface Sender {
  /** Hands everything that waits to the connection. */
  flush(): void;
}

/**
 * Answers of one turn of the event loop leave together, after everything that came in has been read: connections
 * then write once for many answers, and clients are woken once.
 */
export class Outbox {
  #senders: Sender[] = [];

  /** Once a turn and sender. */
  add(sender: Sender): void {
    if (this.#senders.push(sender) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const senders = this.#senders;
    this.#senders = [];
    for (const sender of senders) sender.flush();
  };
}
