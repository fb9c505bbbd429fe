import type { ServiceDefinition } from '@grpc/grpc-js';
import type { IncomingMessage, RequestListener, Server as HttpServer, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { ServiceHandlers } from '../handlers.ts';
import type { Upgrade } from '../message-stream/accept.ts';
import type { ServerTls } from '../tls.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Listener } from './listener.ts';
import { Methods } from './methods.ts';
import { Outbox } from './outbox.ts';

/** An `import` would read all that `node:http` exports, and so load the WebSocket client: 6 MB, 20 ms. */
const { createServer: createHttpServer } = process.getBuiltinModule('node:http');

export interface ServerOptions {
  /** Of one request message; default 4 MiB. */
  readonly receiveBytesMax?: number;
  /** Streams that one connection may have open; default: any number. */
  readonly streamsMax?: number;
  /** How often clients are pinged, and how long they may take to answer; default 30 s and 10 s. */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Clients that ping more often are sent away (`too_many_pings`); default 0: as often as they like. */
  readonly pingTimeMinMs?: number;
  /** How long a new connection may take for its TLS handshake, and then for its first bytes; default 10 s. */
  readonly greetingTimeoutMs?: number;
  /**
   * Answers the requests on the same ports that are no gRPC: all of HTTP/1.1, and those of HTTP/2 with another
   * content type, which come with Node's compatibility layer (`http2.Http2ServerRequest`). Without it the first
   * are hung up on and the others get 415.
   */
  readonly onHttp?: RequestListener;
  /**
   * Takes the connections of HTTP/1.1 that want to become something else (`acceptMessages`, `refuseUpgrade`). Without
   * `onHttp` other requests of HTTP/1.1 are answered 426.
   */
  readonly onUpgrade?: (upgrade: Upgrade) => void;
}

const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
const GREETING_TIMEOUT_MS = 10_000;
/** How long a client whose call was answered early may go on talking, at least. */
const LINGER_MS = 5000;

/** What one HTTP/2 connection may do; see also `connection.ts`. */
const HTTP2_OPTIONS: http2.ServerOptions = {
  settings: {
    initialWindowSize: 1024 * 1024,
    maxHeaderListSize: 64 * 1024,
  },
  // Megabytes, of streams, headers and unread answers; beyond it new streams are refused.
  maxSessionMemory: 512,
  // Beyond these the connection is closed.
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 1000,
  // Cancelled streams, at once and a second. A client may well cancel many watches, but not for ever.
  streamResetBurst: 5000,
  streamResetRate: 500,
};

/**
 * Serves gRPC services on any number of addresses. HTTP/2 itself is Node's (nghttp2): here are gRPC's messages,
 * statuses, deadlines and limits on top of it.
 */
export class GrpcServer {
  readonly #methods = new Methods();
  readonly #options: ConnectionOptions;
  readonly #http2: http2.Http2Server;
  readonly #http1: HttpServer;
  readonly #greetingTimeoutMs: number;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<Connection>();
  /** They are HTTP's no more. */
  readonly #upgraded = new Set<Socket>();
  readonly #timers: NodeJS.Timeout[];
  #onEmpty: (() => void) | undefined;
  #isStopped = false;

  constructor(options: ServerOptions = {}) {
    // As etcd: clients open a stream for each watch.
    const { streamsMax: maxConcurrentStreams = 2 ** 31 - 1 } = options;
    const settings = { ...HTTP2_OPTIONS.settings, maxConcurrentStreams };
    this.#http2 = http2.createServer({ ...HTTP2_OPTIONS, settings });
    this.#options = {
      methods: this.#methods,
      outbox: new Outbox(),
      receiveBytesMax: options.receiveBytesMax ?? RECEIVE_BYTES_MAX,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? KEEPALIVE_TIMEOUT_MS,
      pingTimeMinMs: options.pingTimeMinMs ?? 0,
      onHttp: options.onHttp,
    };
    this.#greetingTimeoutMs = options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS;
    this.#http1 = createHttpServer(options.onHttp ?? upgradeRequired);
    // It never listens itself, and would otherwise not look after slow requests.
    this.#http1.emit('listening');
    if (options.onUpgrade !== undefined) this.#upgradeBy(options.onUpgrade);
    this.#http2.on('session', (session) => this.#connected(session));
    const each = (act: (connection: Connection) => void) => () => this.#connections.forEach(act);
    this.#timers = [
      setInterval(
        each((connection) => connection.ping()),
        options.keepaliveTimeMs ?? KEEPALIVE_TIME_MS,
      ),
      setInterval(
        each((connection) => connection.closeLingering()),
        LINGER_MS,
      ),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  addService(definition: ServiceDefinition, handlers: ServiceHandlers): void {
    this.#methods.add(definition, handlers);
  }

  /** Resolves to the port; with port 0 the system picks a free one. Without `tls` in plain text. */
  async listen(address: string, tls?: ServerTls): Promise<number> {
    const listener = new Listener(
      {
        allowHttp1: this.#options.onHttp !== undefined || this.#http1.listenerCount('upgrade') > 0,
        greetingTimeoutMs: this.#greetingTimeoutMs,
        onHttp2: (socket) => this.serve(socket),
        onHttp1: (socket) => this.#http1.emit('connection', socket),
      },
      tls,
    );
    const port = await listener.listen(address);
    this.#listeners.push(listener);
    return port;
  }

  /** Serves an HTTP/2 connection that somebody else has accepted, after its TLS. */
  serve(socket: Socket): void {
    if (this.#isStopped) socket.destroy();
    else this.#http2.emit('connection', socket);
  }

  /** Lets calls under way finish for a while, then cuts them off. */
  async stop(graceMs = 1000): Promise<void> {
    this.#isStopped = true;
    for (const listener of this.#listeners) listener.close();
    for (const timer of this.#timers) clearInterval(timer);
    for (const connection of this.#connections) connection.close();
    this.#http1.close();
    for (const socket of this.#upgraded) socket.destroy();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const force = setTimeout(resolve, graceMs);
        this.#onEmpty = () => {
          clearTimeout(force);
          resolve();
        };
      });
    }
    for (const connection of this.#connections) connection.destroy();
    this.#http1.closeAllConnections();
  }

  #upgradeBy(onUpgrade: (upgrade: Upgrade) => void): void {
    this.#http1.on('upgrade', (request, socket: Socket, head) => {
      this.#upgraded.add(socket);
      socket.on('close', () => this.#upgraded.delete(socket));
      onUpgrade({ request, socket, head });
    });
  }

  #connected(session: http2.ServerHttp2Session): void {
    const connection = new Connection(session, this.#options);
    this.#connections.add(connection);
    session.on('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
  }
}

/** On a port where HTTP/1.1 is but the way to something else. */
function upgradeRequired(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: 'close' }).end();
}
