import type { ServerHttp2Stream } from 'node:http2';
import type { ServerStream } from '../handlers.ts';
import { RpcError, StatusCode } from '../status.ts';
import { Call, decode } from './call.ts';
import type { Connection } from './connection.ts';
import type { Method } from './methods.ts';

type StreamMethod = Exclude<Method, { kind: 'unary' }>;

/** Requests read ahead of the handler; more stay with the client. */
const WAITING_MAX = 16;

/** Any number of messages in at least one direction. */
export class StreamCall extends Call implements ServerStream<unknown, unknown> {
  readonly ended: Promise<void>;
  readonly #method: StreamMethod;
  readonly #waiting: unknown[] = [];
  #listener: ((request: unknown) => void) | undefined;
  #hasEnded = false;
  #cutOffBy: Error | undefined;
  #resolveEnded!: () => void;
  /** Of an iteration that waits for the next request. */
  #wakeReader: (() => void) | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(
    connection: Connection,
    stream: ServerHttp2Stream,
    rawHeaders: readonly string[],
    method: StreamMethod,
  ) {
    super(connection, stream, rawHeaders, method.path);
    this.#method = method;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  override begin(): void {
    super.begin();
    const method = this.#method;
    if (method.kind === 'bidi') this.#settle(() => method.handler(this));
  }

  // ---- ServerStream ----

  onMessage(listener: (request: unknown) => void): void {
    this.#listener = listener;
    for (const request of this.#waiting.splice(0)) listener(request);
    this.stream.resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator {
    for (;;) {
      if (this.#waiting.length > 0) {
        yield this.#waiting.shift();
        continue;
      }
      if (this.#cutOffBy !== undefined) throw this.#cutOffBy;
      if (this.#hasEnded) return;
      const arrival = new Promise<void>((resolve) => (this.#wakeReader = resolve));
      this.stream.resume();
      await arrival;
    }
  }

  write(response: unknown): boolean {
    if (this.isOver) return true;
    this.answer.write(this.#method.frame(response));
    return this.answer.hasRoom;
  }

  drained(): Promise<void> {
    if (this.isOver || this.answer.hasRoom) return Promise.resolve();
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  // ---- Call ----

  override message(bytes: Uint8Array): void {
    const request = decode(this.#method, bytes, 'failed to unmarshal the received message');
    const method = this.#method;
    if (method.kind === 'serverStream') {
      if (this.#hasEnded) return;
      this.#end();
      this.#settle(() => method.handler(request, this));
      return;
    }
    if (this.#listener !== undefined) {
      this.#listener(request);
      return;
    }
    this.#waiting.push(request);
    if (this.#waiting.length >= WAITING_MAX) this.stream.pause();
    this.#wake();
  }

  protected override halfClosed(): void {
    if (this.#method.kind === 'serverStream' && !this.#hasEnded)
      throw new RpcError(StatusCode.UNKNOWN, 'EOF');
    this.#end();
  }

  protected override cutOff(reason: Error): void {
    this.#cutOffBy = reason;
    this.#end();
  }

  protected override drainedNow(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#resolveEnded();
    this.#wake();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #settle(run: () => Promise<void>): void {
    const settled = async (): Promise<void> => {
      try {
        await run();
      } catch (error) {
        this.fail(error);
        return;
      }
      this.succeed();
    };
    void settled();
  }
}
