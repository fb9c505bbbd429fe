import { type Clock, errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import type { Store } from './store.ts';

/** Where the API servers agree on whose turn it is, and how far the last one came. As upstream's key. */
const KEY = 'compact_rev_key';

/**
 * Gives up revisions older than one interval, so that the store does not grow for ever. Of several servers
 * whoever writes the key first
 * does it in each interval (upstream: `etcd3/compact.go`).
 */
export class Compactor {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #intervalMs: number;
  #timer: Timer | undefined;
  /** What the key held when this server last looked. */
  #seen: { readonly modRevision: number } = { modRevision: 0 };
  /** The store's revision one interval ago. */
  #past = 0;

  constructor(
    deps: { readonly store: Store; readonly clock: Clock; readonly log: Logger },
    intervalMs: number,
  ) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#intervalMs > 0) this.#timer = this.#clock.setTimer(this.#intervalMs, () => void this.#run());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    try {
      await this.#once();
    } catch (error) {
      this.#log.warn('compaction failed', { err: errorMessage(error) });
    }
    this.start();
  }

  async #once(): Promise<void> {
    const turn = await this.#store.txn({
      compare: [{ key: KEY, modRevision: this.#seen.modRevision }],
      success: [{ type: 'put', key: KEY, value: Buffer.from(String(this.#past)) }],
      failure: [KEY],
    });
    const upTo = this.#past;
    this.#past = turn.revision;
    this.#seen = { modRevision: turn.succeeded ? turn.revision : (turn.found[0]?.modRevision ?? 0) };
    if (!turn.succeeded || upTo === 0) return;
    await this.#store.compact(upTo);
    this.#log.debug('compacted', { revision: upTo });
  }
}
