import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connectSocket } from '../connect-socket.ts';
import { frameOf } from '../grpc-server/message-reader.ts';
import { type ClientTls, isSecure } from '../tls.ts';
import { MessageSocket } from './message-socket.ts';

/** See `GrpcServer`. */
const { request } = process.getBuiltinModule('node:http');

export interface MessageStreamOptions {
  /** Of the server. */
  readonly url: string;
  readonly tls: ClientTls | undefined;
  readonly path: string;
  /** What the connection is to become (`Upgrade`). */
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A ping this often; a server that has not answered it by the next, or takes as long to accept, is gone. */
  readonly keepaliveTimeMs: number;
  readonly onOpen: () => void;
  /** How long a ping took. */
  readonly onRoundTrip: (ms: number) => void;
  /** Once, unless it was cancelled here; with the server's words, where it has refused. */
  readonly onEnd: (error: Error) => void;
}

/** A message of no bytes. */
export const PING = frameOf(new Uint8Array(0));
const REFUSAL_LENGTH_MAX = 4096;

/**
 * Messages to a server, on a connection that begins as a request of HTTP/1.1 and is upgraded: after that there is nothing
 * between the messages and the socket. `acceptMessages` is the other end.
 */
export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #connecting: Socket;
  readonly #keepalive: NodeJS.Timeout;
  #socket: MessageSocket | undefined;
  /** Written before the server has accepted. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #sentBytes = 0;
  #pingedAtMs: number | undefined;
  #isOver = false;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    this.#connecting = connectSocket(options.url, options.tls, 'http/1.1');
    this.#connecting.on('error', (error) => this.#end(error));
    // Not before: where nobody listens, and that is asked again and again, a request would be the dearest part.
    this.#connecting.on(isSecure(options.url) ? 'secureConnect' : 'connect', () => this.#ask());
    this.#keepalive = setInterval(() => this.#ping(), options.keepaliveTimeMs);
  }

  /** What the connection has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedBytes ?? this.#earlyBytes;
  }

  /** Of messages, with their prefixes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** `frame`: a message with its prefix. */
  write(frame: Uint8Array): void {
    this.#sentBytes += frame.length;
    if (this.#socket !== undefined) return this.#socket.write(frame);
    this.#early.push(frame);
    this.#earlyBytes += frame.length;
  }

  /** Ends it without a word. */
  cancel(): void {
    this.#isOver = true;
    clearInterval(this.#keepalive);
    this.#connecting.destroy();
  }

  #ask(): void {
    const { url, path, protocol, headers } = this.#options;
    const upgrade = request({
      createConnection: () => this.#connecting,
      host: new URL(url).host,
      path,
      headers: { ...headers, connection: 'Upgrade', upgrade: protocol },
    });
    upgrade.on('upgrade', (_response, socket, head) => this.#opened(socket, head));
    upgrade.on('response', (response) => void this.#refused(response));
    upgrade.on('error', (error) => this.#end(error));
    upgrade.end();
  }

  #opened(socket: Socket, head: Buffer): void {
    if (this.#isOver) return;
    const { onOpen } = this.#options;
    this.#socket = new MessageSocket(socket, head, {
      receiveBytesMax: 0,
      onMessage: () => this.#ponged(),
      onEnd: (error) => this.#end(error),
    });
    onOpen();
    for (const frame of this.#early.splice(0)) this.#socket.write(frame);
  }

  async #refused(response: IncomingMessage): Promise<void> {
    let text = '';
    try {
      for await (const piece of response.setEncoding('utf8'))
        text = (text + piece).slice(0, REFUSAL_LENGTH_MAX);
    } catch {
      // What has come of it must do.
    }
    this.#end(new Error(text.trim() || `HTTP status ${response.statusCode}`));
  }

  #ping(): void {
    if (this.#socket === undefined || this.#pingedAtMs !== undefined) {
      return this.#end(new Error('the server does not answer'));
    }
    this.#pingedAtMs = performance.now();
    this.#socket.write(PING);
  }

  #ponged(): void {
    if (this.#pingedAtMs === undefined) return;
    this.#options.onRoundTrip(performance.now() - this.#pingedAtMs);
    this.#pingedAtMs = undefined;
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.onEnd(error);
  }
}
