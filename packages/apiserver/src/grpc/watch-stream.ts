import { errors } from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';
import { EMPTY_BYTES, type KubeWatchStream } from '@kubelab/rpc';
import type { WatchRequest } from '@kubelab/rpc/kube-api';
import type { ApiRequest, WatchResponse } from '../core/messages.ts';
import type { Pipeline } from '../pipeline.ts';
import { errorBody } from '../respond/body.ts';
import { pumpWatch } from '../respond/pump-watch.ts';

const WATCHES_PER_STREAM_MAX = 200;

/**
 * All watches of one component on one stream. Each takes its events in batches and waits when the stream is
 * full.
 */
export class WatchStreamServer {
  readonly #stream: KubeWatchStream;
  readonly #pipeline: Pipeline;
  readonly #clock: Clock;
  readonly #requestFor: (path: string, query: URLSearchParams, signal: AbortSignal) => ApiRequest;
  readonly #open = new Map<number, AbortController>();

  constructor(deps: {
    readonly stream: KubeWatchStream;
    readonly pipeline: Pipeline;
    readonly clock: Clock;
    readonly requestFor: (path: string, query: URLSearchParams, signal: AbortSignal) => ApiRequest;
  }) {
    this.#stream = deps.stream;
    this.#pipeline = deps.pipeline;
    this.#clock = deps.clock;
    this.#requestFor = deps.requestFor;
  }

  /** Resolves when the client is gone or has said its last and every watch has ended. */
  async serve(): Promise<void> {
    this.#stream.onMessage((request) => this.#take(request));
    await this.#stream.ended;
    for (const watch of this.#open.values()) watch.abort(new Error('the client is gone'));
  }

  #take({ start, cancel }: WatchRequest): void {
    if (start !== undefined && start !== null) {
      if (this.#open.has(start.id) || this.#open.size >= WATCHES_PER_STREAM_MAX) {
        const refusal = errorBody(
          errors.badRequest(`watch ${start.id} cannot be opened: its id is in use, or there are too many`),
        );
        this.#stream.write({ id: start.id, type: 'CLOSED', object: refusal.body });
        return;
      }
      const gone = new AbortController();
      this.#open.set(start.id, gone);
      void this.#run(start, gone.signal);
    } else if (cancel !== undefined && cancel !== null) {
      this.#open.get(cancel)?.abort(new Error('cancelled by the client'));
    }
  }

  async #run(start: { id: number; path: string; query: string }, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams(start.query);
    query.set('watch', 'true');
    const response = await this.#pipeline.handle(this.#requestFor(start.path, query, signal));
    let last: Uint8Array = EMPTY_BYTES;
    if (response.kind === 'watch') await this.#pump(start.id, response, signal);
    else if (response.kind === 'body') last = response.body;
    this.#open.delete(start.id);
    this.#stream.write({ id: start.id, type: 'CLOSED', object: last });
  }

  #pump(id: number, response: WatchResponse, signal: AbortSignal): Promise<void> {
    return pumpWatch(response, { clock: this.#clock, signal }, async (batch) => {
      let hasRoom = true;
      for (const event of batch) {
        hasRoom = this.#stream.write({ id, type: event.type, object: response.encoder.object(event) });
      }
      if (!hasRoom && !signal.aborted) await this.#stream.drained();
    });
  }
}
