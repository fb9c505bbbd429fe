import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import net from 'node:net';
import nodeTls from 'node:tls';
import type { MethodDefinition } from '@grpc/grpc-js';
import { CONTENT_TYPE } from './grpc-server/headers.ts';
import { frameOf, MessageReader } from './grpc-server/message-reader.ts';
import { RpcError, rpcErrorFrom, StatusCode } from './status.ts';
import { type ClientTls, hostPort, isSecure } from './tls.ts';

export interface ClientStreamOptions<Req, Res> {
  readonly url: string;
  readonly tls: ClientTls | undefined;
  readonly method: Pick<MethodDefinition<Req, Res>, 'path' | 'requestSerialize' | 'responseDeserialize'>;
  readonly metadata: Readonly<Record<string, string>>;
  /** A ping this often; a server that has not answered it by the next, or takes as long to connect, is gone. */
  readonly keepaliveTimeMs: number;
  readonly onMessage: (response: Res) => void;
  /** How long a ping took. */
  readonly onRoundTrip?: (ms: number) => void;
  /** Once, unless the stream was cancelled here. Undefined: the server has ended it with OK. */
  readonly onEnd: (error: RpcError | undefined) => void;
}

/** Of one answer. */
const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One bidirectional call on a connection of its own, with nothing in between: for streams that carry many small
 * messages, where the layers of a general client would cost more than the messages.
 */
export class ClientStream<Req, Res> {
  readonly #options: ClientStreamOptions<Req, Res>;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #reader = new MessageReader(RECEIVE_BYTES_MAX, undefined);
  readonly #keepalive: NodeJS.Timeout;
  #hasAnswered = false;
  #sentBytes = 0;
  #isOver = false;
  #ending: IncomingHttpHeaders | undefined;

  constructor(options: ClientStreamOptions<Req, Res>) {
    this.#options = options;
    this.#session = http2.connect(options.url, {
      createConnection: () => connectionTo(options.url, options.tls),
    });
    this.#session.on('error', (error) => this.#end(unavailable(error)));
    this.#session.on('goaway', () => this.#end(unavailable(new Error('the server goes away'))));
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': options.method.path,
      'content-type': CONTENT_TYPE,
      te: 'trailers',
      ...options.metadata,
    });
    this.#stream.on('response', (headers) => this.#responded(headers));
    this.#stream.on('trailers', (trailers) => (this.#ending = trailers));
    this.#stream.on('data', (piece: Buffer) => this.#data(piece));
    this.#stream.on('error', (error) => this.#end(unavailable(error)));
    // The server has said its last, or the connection has broken.
    for (const event of ['end', 'close']) this.#stream.on(event, () => this.#end(statusOf(this.#ending)));
    this.#keepalive = setInterval(() => this.#ping(), options.keepaliveTimeMs);
    this.#session.on('connect', () => (this.#hasAnswered = true));
  }

  /** What the connection has not taken yet. */
  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  /** Of messages, with their prefixes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  write(request: Req): void {
    if (this.#isOver) return;
    const frame = frameOf(this.#options.method.requestSerialize(request));
    this.#sentBytes += frame.length;
    this.#stream.write(frame);
  }

  /** Ends it without a word. */
  cancel(): void {
    this.#isOver = true;
    clearInterval(this.#keepalive);
    this.#session.destroy();
  }

  #responded(headers: IncomingHttpHeaders): void {
    const httpStatus = String(headers[':status']);
    if (httpStatus !== '200') {
      this.#end(new RpcError(StatusCode.UNAVAILABLE, `HTTP status ${httpStatus}`));
    } else if (headers['grpc-status'] !== undefined) this.#ending = headers;
  }

  #data(piece: Buffer): void {
    const { onMessage, method } = this.#options;
    try {
      this.#reader.push(piece, {
        message: (bytes) => {
          if (!this.#isOver) onMessage(method.responseDeserialize(bytes as Buffer));
        },
      });
    } catch (error) {
      this.#end(rpcErrorFrom(error));
    }
  }

  #ping(): void {
    if (!this.#hasAnswered) {
      this.#end(new RpcError(StatusCode.UNAVAILABLE, 'the server does not answer'));
      return;
    }
    this.#hasAnswered = false;
    this.#session.ping((error, durationMs) => {
      this.#hasAnswered = error === null;
      if (error === null) this.#options.onRoundTrip?.(durationMs);
    });
  }

  #end(error: RpcError | undefined): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.onEnd(error);
  }
}

function connectionTo(url: string, given: ClientTls | undefined): net.Socket {
  const tls = given?.current?.() ?? given;
  const { hostname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const target = { host, port: Number(hostPort(url).split(':').at(-1)), noDelay: true };
  if (!isSecure(url)) return net.connect(target);
  return nodeTls.connect({
    ...target,
    ...(tls === undefined ? {} : { ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) }),
    // A name in the greeting must be one; what is verified is the host either way.
    ...(tls?.serverName === undefined && net.isIP(host) !== 0 ? {} : { servername: tls?.serverName ?? host }),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: tls?.skipVerify !== true,
  });
}

function pem(value: string | Uint8Array | undefined): string | Buffer | undefined {
  return value === undefined || typeof value === 'string' ? value : Buffer.from(value);
}

function statusOf(ending: IncomingHttpHeaders | undefined): RpcError | undefined {
  const code = ending?.['grpc-status'];
  if (code === undefined) return unavailable(new Error('the stream was cut off'));
  if (code === '0') return undefined;
  return new RpcError(Number(code), decodeText(String(ending?.['grpc-message'] ?? '')));
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unavailable(cause: Error): RpcError {
  return new RpcError(StatusCode.UNAVAILABLE, cause.message, { cause });
}
