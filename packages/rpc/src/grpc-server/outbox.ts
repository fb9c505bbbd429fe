import { Traffic } from '@kubelab/component-base';

export interface Sender {
  /** Hands everything that waits to the connection. */
  flush(): void;
}

/**
 * Answers of one turn of the event loop leave together, after everything that came in has been read: connections
 * then write once for many answers, and clients are woken once. A lone answer is not kept waiting.
 */
export class Outbox {
  readonly #traffic = new Traffic();
  #senders: Sender[] = [];

  /** Once a turn and sender. */
  add(sender: Sender): void {
    if (this.#traffic.isFirstOfFew()) {
      sender.flush();
      return;
    }
    if (this.#senders.length === 0) setImmediate(this.#endTurn);
    this.#senders.push(sender);
  }

  readonly #endTurn = (): void => {
    const senders = this.#senders;
    this.#senders = [];
    for (const sender of senders) sender.flush();
  };
}
