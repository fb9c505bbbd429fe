import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { realClock } from '@kubelab/component-base';
import { rpcErrorFrom } from '../status.ts';
import { answerWithoutMessages } from './answer.ts';
import { isGrpc, trailersOf } from './headers.ts';
import type { Methods } from './methods.ts';
import type { Outbox } from './outbox.ts';
import { PingGuard } from './ping-guard.ts';
import { StreamCall } from './stream-call.ts';
import { UnaryCall } from './unary-call.ts';
import { type Identity, identityOf } from './identity.ts';
import { easeStreamTables } from './stream-tables.ts';

export interface ConnectionOptions {
  readonly methods: Methods;
  readonly outbox: Outbox;
  readonly receiveBytesMax: number;
  readonly keepaliveTimeoutMs: number;
  readonly pingTimeMinMs: number;
  /** For requests that are no gRPC. */
  readonly onHttp: RequestListener | undefined;
}

/** What all calls of a client together may upload ahead of the handlers. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/**
 * With this much in answers that a client has asked for and does not read, no further call of it is begun. Those of
 * one turn are begun together: nobody knows yet how large their answers will be.
 */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

/** One client's HTTP/2 connection. */
export class Connection {
  readonly options: ConnectionOptions;
  readonly #session: ServerHttp2Session;
  readonly #identity: Identity;
  readonly #pings: PingGuard;
  #callCount = 0;
  #unreadBytes = 0;
  /** Calls that wait until the client has read. */
  #waiting: (() => void)[] = [];
  /** Streams that are answered although the client has not said its last, and those of the round before. */
  #lingering = new Set<ServerHttp2Stream>();
  #lingeredLong = new Set<ServerHttp2Stream>();
  #pingTimer: NodeJS.Timeout | undefined;

  constructor(session: ServerHttp2Session, options: ConnectionOptions) {
    this.options = options;
    this.#session = session;
    this.#identity = identityOf(session.socket);
    this.#pings = new PingGuard(options.pingTimeMinMs);
    easeStreamTables(session);
    session.on('error', ignore);
    session.on('ping', () => this.#pinged());
    session.on('close', () => clearTimeout(this.#pingTimer));
    session.once('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(WINDOW_BYTES);
    });
    session.on('stream', (stream, headers, _flags, rawHeaders: readonly string[]) => {
      stream.on('error', ignore);
      this.whenRead(() => this.#serve(stream, headers, rawHeaders));
    });
  }

  get peer(): string {
    return this.#identity.peer;
  }

  get clientCertificate(): X509Certificate | undefined {
    return this.#identity.certificate;
  }

  get clientCommonName(): string | undefined {
    return this.#identity.commonName;
  }

  /** Runs it now, or when the client has read more of its answers. */
  whenRead(run: () => void): void {
    if (this.#unreadBytes <= UNREAD_BYTES_MAX) run();
    else this.#waiting.push(run);
  }

  /** A call is over, for whatever reason. */
  callClosed(): void {
    this.#callCount--;
  }

  /** An answer is there; it lies here until the client reads. */
  unread(bytes: number): void {
    this.#unreadBytes += bytes;
  }

  /** The client has read them, or will never. */
  read(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#waiting.length === 0 || this.#unreadBytes > UNREAD_BYTES_MAX / 2) return;
    for (const run of this.#waiting.splice(0)) this.whenRead(run);
  }

  /** Messages go out. */
  sent(): void {
    this.#pings.sent();
  }

  /** A stream was answered before the client has said its last: it gets a while to do so. */
  linger(stream: ServerHttp2Stream): void {
    this.#lingering.add(stream);
  }

  lingered(stream: ServerHttp2Stream): void {
    this.#lingering.delete(stream);
    this.#lingeredLong.delete(stream);
  }

  /** Called from time to time. */
  closeLingering(): void {
    for (const stream of this.#lingeredLong) stream.close(constants.NGHTTP2_NO_ERROR);
    this.#lingeredLong = this.#lingering;
    this.#lingering = new Set();
  }

  /** A client that does not answer is cut off. */
  ping(): void {
    if (this.#pingTimer !== undefined || this.#session.destroyed) return;
    this.#pingTimer = setTimeout(() => this.destroy(), this.options.keepaliveTimeoutMs);
    this.#session.ping(() => {
      clearTimeout(this.#pingTimer);
      this.#pingTimer = undefined;
    });
  }

  /** Tells the client to go elsewhere (GOAWAY), and ends when the calls under way have. */
  close(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }

  #pinged(): void {
    if (!this.#pings.pinged(realClock.monotonic(), this.#callCount > 0)) return;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    this.#session.destroy();
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    if (stream.destroyed) return;
    if (!isGrpc(headers['content-type'])) return this.#serveHttp(stream, headers, rawHeaders);
    if (headers[':method'] !== 'POST') return stream.respond({ ':status': 405 }, { endStream: true });
    try {
      const method = this.options.methods.find(headers[':path'] ?? '');
      const call =
        method.kind === 'unary'
          ? new UnaryCall(this, stream, rawHeaders, method)
          : new StreamCall(this, stream, rawHeaders, method);
      this.#callCount++;
      call.begin();
    } catch (error) {
      answerWithoutMessages(stream, trailersOf(rpcErrorFrom(error)));
      stream.on('close', () => this.lingered(stream)).resume();
      this.linger(stream);
    }
  }

  #serveHttp(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const { onHttp } = this.options;
    if (onHttp === undefined) {
      const text = `invalid gRPC request content-type ${JSON.stringify(headers['content-type'] ?? '')}`;
      stream.respond({ ':status': 415, ...trailersOf({ code: 3, details: text }) }, { endStream: true });
      return;
    }
    // Node's compatibility layer: the same methods as those of HTTP/1.1.
    const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
    const response = new Http2ServerResponse(stream);
    onHttp(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  }
}

/** A broken stream or connection is reported by its 'close' as well. */
function ignore(): void {}
