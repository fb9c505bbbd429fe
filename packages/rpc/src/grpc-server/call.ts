import type { X509Certificate } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import { realClock } from '@kubelab/component-base';
import type { CallInfo } from '../handlers.ts';
import { RpcError, rpcErrorFrom, StatusCode } from '../status.ts';
import { Answer } from './answer.ts';
import type { Connection } from './connection.ts';
import { timeoutMsOf, trailersOf } from './headers.ts';
import { MessageReader, type MessageReceiver } from './message-reader.ts';
import { OK_TRAILERS } from './trailers.ts';
import type { Method } from './methods.ts';

/** The longest that Node's timers take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** One RPC on its HTTP/2 stream: what all kinds have in common. */
export abstract class Call implements CallInfo, MessageReceiver {
  readonly path: string;
  readonly deadlineMs: number | undefined;
  protected readonly stream: ServerHttp2Stream;
  protected readonly answer: Answer;
  readonly #rawHeaders: readonly string[];
  protected readonly connection: Connection;
  readonly #reader: MessageReader;
  readonly #deadlineTimer: NodeJS.Timeout | undefined;
  #gone: AbortController | undefined;
  #isClosed = false;

  /** Throws a status where the headers cannot be accepted. */
  constructor(
    connection: Connection,
    stream: ServerHttp2Stream,
    rawHeaders: readonly string[],
    path: string,
  ) {
    this.path = path;
    this.stream = stream;
    this.#rawHeaders = rawHeaders;
    this.connection = connection;
    this.answer = new Answer(stream, connection, () => this.drainedNow());
    this.#reader = new MessageReader(
      connection.options.receiveBytesMax,
      encodingOf(this.header('grpc-encoding')),
    );
    const timeoutMs = timeoutMsOf(this.header('grpc-timeout'));
    if (timeoutMs !== undefined) {
      if (timeoutMs <= 0) throw deadlineExceeded();
      this.deadlineMs = realClock.monotonic() + timeoutMs;
      this.#deadlineTimer = setTimeout(() => this.#deadlineOver(), Math.min(timeoutMs, TIMER_MS_MAX));
    }
  }

  /** From now on the client is listened to. */
  begin(): void {
    this.stream.on('data', (piece: Buffer) => this.#data(piece));
    this.stream.on('end', () => this.#end());
    this.stream.on('close', () => this.#closed());
  }

  // ---- what handlers may know ----

  header(name: string): string | undefined {
    const raw = this.#rawHeaders;
    for (let i = 0; i < raw.length; i += 2) if (raw[i] === name) return raw[i + 1];
    return undefined;
  }

  *headers(): Iterable<readonly [string, string]> {
    const seen = new Set<string>();
    for (let i = 0; i < this.#rawHeaders.length; i += 2) {
      const name = this.#rawHeaders[i] ?? '';
      if (name.startsWith(':') || seen.has(name)) continue;
      seen.add(name);
      yield [name, this.#rawHeaders[i + 1] ?? ''];
    }
  }

  get clientCertificate(): X509Certificate | undefined {
    return this.connection.clientCertificate;
  }

  get clientCommonName(): string | undefined {
    return this.connection.clientCommonName;
  }

  get peer(): string {
    return this.connection.peer;
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController();
      if (this.#isClosed) this.#gone.abort(new Error('the client is gone'));
    }
    return this.#gone.signal;
  }

  /** Nothing can be answered any more. */
  get isOver(): boolean {
    return this.#isClosed || this.answer.isEnded;
  }

  // ---- what differs ----

  /** A message from the client. What it throws is the call's status, as in `halfClosed`. */
  abstract message(bytes: Uint8Array): void;
  /** The client has said its last. */
  protected abstract halfClosed(): void;
  /** The call was ended by something else than its handler. */
  protected abstract cutOff(reason: Error): void;
  /** The client has read on, or is gone. */
  protected drainedNow(): void {}

  /** The handler has done its work. */
  protected succeed(): void {
    if (!this.isOver) this.answer.end(OK_TRAILERS);
  }

  /** Whatever is thrown becomes the call's status. */
  protected fail(error: unknown): void {
    if (!this.isOver) this.answer.end(trailersOf(rpcErrorFrom(error)));
  }

  // ---- the stream ----

  #data(piece: Buffer): void {
    if (this.isOver) return;
    try {
      this.#reader.push(piece, this);
    } catch (error) {
      this.#cutOff(rpcErrorFrom(error));
    }
  }

  #end(): void {
    // Node ends a stream that was reset as well, before it closes it.
    if (this.isOver || this.stream.closed) return;
    try {
      if (this.#reader.isPartial) throw new RpcError(StatusCode.UNKNOWN, 'unexpected EOF');
      this.halfClosed();
    } catch (error) {
      this.#cutOff(rpcErrorFrom(error));
    }
  }

  #deadlineOver(): void {
    this.#cutOff(deadlineExceeded());
  }

  #closed(): void {
    clearTimeout(this.#deadlineTimer);
    if (!this.answer.isEnded) this.#cutOff(new RpcError(StatusCode.CANCELLED, 'the client is gone'));
    this.#isClosed = true;
    this.answer.closed();
    this.connection.callClosed();
    this.drainedNow();
  }

  #cutOff(reason: RpcError): void {
    this.fail(reason);
    this.#gone?.abort(reason);
    this.cutOff(reason);
  }
}

function deadlineExceeded(): RpcError {
  return new RpcError(StatusCode.DEADLINE_EXCEEDED, 'context deadline exceeded');
}

/** Throws for one that cannot be undone. */
function encodingOf(header: string | undefined): string | undefined {
  if (header === undefined || header === 'identity' || header === 'gzip') return header;
  const text = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(header)}`;
  throw new RpcError(StatusCode.UNIMPLEMENTED, text);
}

/** A message as its method's type; bytes that are none end the call, in grpc-go's words. */
export function decode(method: Method, bytes: Uint8Array, what: string): unknown {
  try {
    return method.decode(bytes as Buffer);
  } catch (error) {
    // protobufjs' word for a message that ends too early.
    const reason = error instanceof RangeError ? 'unexpected EOF' : String(error);
    throw new RpcError(StatusCode.INTERNAL, `grpc: ${what} ${reason}`);
  }
}
