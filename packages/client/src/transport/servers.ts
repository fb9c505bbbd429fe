import type { Clock, Random } from '@kubelab/component-base';
import { must } from '@kubelab/component-base';

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 2_000;

/** One server of the list and what is known of it. */
export interface Server {
  readonly url: string;
  /** Failures in a row. */
  failureCount: number;
  /** Not before this moment (monotonic ms). */
  retryAtMs: number;
  /** When it last said anything (monotonic ms). */
  heardAtMs: number;
  /** Aborted when the server is given up: its watches end and begin again elsewhere. */
  lost: AbortController;
}

/**
 * Which server to talk to: the working one for as long as it works, then the next of the list, each failed
 * one left alone for a while that doubles.
 */
export class Servers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #all: readonly Server[];
  #currentIndex = 0;

  constructor(urls: readonly string[], clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#all = urls.map((url) => ({
      url,
      failureCount: 0,
      retryAtMs: 0,
      heardAtMs: -1,
      lost: new AbortController(),
    }));
  }
  get count(): number {
    return this.#all.length;
  }

  /** The server to use, and how long to wait first (0 unless every server is in its back-off). */
  pick(): { readonly server: Server; readonly waitMs: number } {
    const nowMs = this.#clock.monotonic();
    let soonest: Server | undefined;
    for (let step = 0; step < this.#all.length; step++) {
      const index = (this.#currentIndex + step) % this.#all.length;
      const server = must(this.#all[index], 'a server');
      if (server.retryAtMs <= nowMs) {
        this.#currentIndex = index;
        return { server, waitMs: 0 };
      }
      if (soonest === undefined || server.retryAtMs < soonest.retryAtMs) soonest = server;
    }
    const server = must(soonest, 'at least one server');
    return { server, waitMs: server.retryAtMs - nowMs };
  }

  heard(server: Server): void {
    server.failureCount = 0;
    server.retryAtMs = 0;
    server.heardAtMs = this.#clock.monotonic();
  }

  /**
   * Leaves the server alone for a while and ends what still hangs on it. `since` is its `lost` signal of when the
   * work began: what breaks together counts as one failure.
   */
  failed(server: Server, why: Error, since: AbortSignal): void {
    if (since.aborted) return;
    const delayMs = Math.min(BACKOFF_FIRST_MS * 2 ** server.failureCount, BACKOFF_MAX_MS);
    server.failureCount++;
    server.retryAtMs = this.#clock.monotonic() + delayMs * (0.75 + this.#random.float() / 2);
    const { lost } = server;
    server.lost = new AbortController();
    lost.abort(why);
  }
}
