import { isRpcError, rpcErrorFrom } from '@kubelab/rpc';
import { type KubeApiClient, kubeApiClient, type KubeWatchCall } from '@kubelab/rpc/client';
import type { CallRequest, WatchResponse } from '@kubelab/rpc/kube-api';
import type { ClientConfig } from '../types.ts';
import { refusalOf } from './call.ts';
import { Channel } from './channel.ts';
import { type Transport, TransportError, type TransportResponse, type WatchFrame } from './transport.ts';

/** kubelab's own door: calls, and all watches on one stream, over one HTTP/2 connection. */
export function grpcTransport(server: string, config: ClientConfig): Transport {
  const { ca, cert, key, serverName, token } = config;
  const identity = cert === undefined || key === undefined ? {} : { cert, key };
  const tls =
    ca === undefined ? undefined : { ca, ...identity, ...(serverName === undefined ? {} : { serverName }) };
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const client = kubeApiClient(server, { tls });
  let stream: WatchStream | undefined;

  return {
    async call(request: CallRequest, timeoutMs: number): Promise<TransportResponse> {
      try {
        return await client.call(request, { authorization, timeoutMs });
      } catch (error) {
        throw lossOf(server, error);
      }
    },
    watch(path, query, signal) {
      if (stream === undefined || stream.isOver) stream = new WatchStream(client, authorization);
      return stream.watch(path, query, signal);
    },
    close() {
      stream?.cancel();
      client.close();
    },
  };
}

/** One bidirectional stream and the watches on it, by id. */
class WatchStream {
  isOver = false;
  readonly #server: string;
  readonly #call: KubeWatchCall;
  readonly #watches = new Map<number, Channel<WatchFrame>>();
  #lastId = 0;

  constructor(client: KubeApiClient, authorization: string | undefined) {
    this.#server = client.url;
    this.#call = client.watch({ authorization });
    this.#call.on('data', (message: WatchResponse) => this.#receive(message));
    this.#call.on('error', (error) => this.#endAll(lossOf(this.#server, error)));
    this.#call.on('end', () =>
      this.#endAll(new TransportError(this.#server, 'watch stream ended', { maybeSent: true })),
    );
  }

  async *watch(path: string, query: string, signal: AbortSignal): AsyncGenerator<WatchFrame> {
    if (signal.aborted) return;
    const id = ++this.#lastId;
    const frames = new Channel<WatchFrame>();
    const onAbort = () => frames.end();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#watches.set(id, frames);
    this.#call.write({ start: { id, path, query } });
    try {
      yield* frames;
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Still there when we left first: the server must be told.
      if (this.#watches.delete(id) && !this.isOver) this.#call.write({ cancel: id });
    }
  }

  cancel(): void {
    this.#call.cancel();
  }

  #receive({ id, type, object }: WatchResponse): void {
    const frames = this.#watches.get(id);
    // An event may cross our cancel.
    if (frames === undefined) return;
    if (type === 'CLOSED') {
      this.#watches.delete(id);
      frames.end(object.length === 0 ? undefined : refusalOf(500, object));
      return;
    }
    frames.push({ type, object: parse(object) } as WatchFrame);
  }

  #endAll(error: TransportError): void {
    this.isOver = true;
    for (const frames of this.#watches.values()) frames.end(error);
    this.#watches.clear();
  }
}

function parse(json: Uint8Array): unknown {
  return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8'));
}

/** grpc-js tells only in words that nothing was sent; whatever is not known for sure counts as sent. */
const NOTHING_SENT = /^(No connection established|Name resolution failed|Failed to connect)/;

function lossOf(server: string, error: unknown): TransportError {
  const isGrpc = error instanceof Error && 'code' in error && typeof error.code === 'number';
  if (!isGrpc) throw error;
  // Streams emit grpc-js' own errors, calls reject with ours.
  const failure = rpcErrorFrom(error);
  const isUnsent = isRpcError(failure, 'UNAVAILABLE') && NOTHING_SENT.test(failure.details);
  return new TransportError(server, failure.details, {
    maybeSent: !isUnsent,
    timedOut: isRpcError(failure, 'DEADLINE_EXCEEDED'),
    cause: error,
  });
}
