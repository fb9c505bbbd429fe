import type { CallInfo, ServerStream } from '@kubelab/rpc';
import type { HttpRequest } from '../message.ts';

const METADATA = 'grpc-metadata-';

/**
 * A call that came by HTTP: `Grpc-Metadata-Foo` is metadata `foo`, and `Authorization` holds the token. A
 * certificate of the connection speaks for nobody, as in etcd, where it is the gateway's own.
 */
export class GatewayCall implements CallInfo {
  readonly path: string;
  readonly clientCommonName = undefined;
  readonly clientCertificate = undefined;
  readonly deadlineMs = undefined;
  readonly signal: AbortSignal;
  readonly peer: string;
  readonly #headers: HttpRequest['headers'];

  constructor(path: string, request: HttpRequest) {
    this.path = path;
    this.#headers = request.headers;
    this.peer = request.peer;
    this.signal = request.signal;
  }

  header(name: string): string | undefined {
    if (name === 'authorization') return this.#headers[name];
    return this.#headers[METADATA + name];
  }

  *headers(): Iterable<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.#headers)) {
      if (value === undefined) continue;
      if (name === 'authorization') yield [name, value];
      else if (name.startsWith(METADATA)) yield [name.slice(METADATA.length), value];
    }
  }
}

/**
 * The stream of such a call: requests come from the body, answers are taken by iterating `answers`. The end of
 * the body ends the requests, not the stream: a watch goes on until the client is gone.
 */
export class GatewayStream extends GatewayCall implements ServerStream<unknown, unknown> {
  readonly ended: Promise<void>;
  readonly #requests: AsyncIterable<unknown>;
  readonly #waiting: unknown[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;
  #taken: () => void = () => undefined;
  #error: { readonly cause: unknown } | undefined;

  constructor(path: string, request: HttpRequest, requests: AsyncIterable<unknown>) {
    super(path, request);
    this.#requests = requests;
    const { signal } = this;
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isOver = true;
        this.#wake();
        this.#taken();
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  onMessage(listener: (request: unknown) => void): void {
    const read = async (): Promise<void> => {
      for await (const request of this.#requests) listener(request);
    };
    read().catch((error: unknown) => this.fail(error));
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return this.#requests[Symbol.asyncIterator]();
  }

  write(response: unknown): boolean {
    if (this.#isOver) return true;
    this.#waiting.push(response);
    this.#wake();
    return this.#waiting.length < WAITING_MAX;
  }

  async drained(): Promise<void> {
    while (!this.#isOver && this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
  }

  /** No answer will follow. */
  finish(): void {
    this.#isOver = true;
    this.#wake();
    this.#taken();
  }

  fail(cause: unknown): void {
    this.#error ??= { cause };
    this.finish();
  }

  /** Every answer in order. Throws what the stream failed with, after what was written before. */
  async *answers(): AsyncGenerator {
    for (;;) {
      while (this.#waiting.length > 0) {
        yield this.#waiting.shift();
        if (this.#waiting.length === 0) this.#taken();
      }
      if (this.#isOver) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#error !== undefined) throw this.#error.cause;
  }
}

/** Answers that may wait for a slow client before the handler is asked to pause. */
const WAITING_MAX = 64;
