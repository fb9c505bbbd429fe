import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2';
import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ApiError } from '@kubelab/api';
import { errors } from '@kubelab/api';
import type { Clock, Logger } from '@kubelab/component-base';
import type { ApiRequest, Peer } from '../core/messages.ts';
import type { Pipeline } from '../pipeline.ts';
import { errorBody } from '../respond/body.ts';
import { peerOfSocket } from './peer.ts';
import { readBody } from './read-body.ts';
import { type AnyResponse, writeResponse } from './write-response.ts';

export interface HttpDoorOptions {
  readonly pipeline: Pipeline;
  readonly tls: {
    readonly cert: string | Buffer;
    readonly key: string | Buffer;
    readonly clientCa: string | Buffer;
  };
  readonly upgrade: (
    request: ApiRequest,
    raw: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

type AnyRequest = IncomingMessage | Http2ServerRequest;

const REQUEST_TIMEOUT_MS = 60_000;
const CONCURRENT_STREAMS_MAX = 250;
const DRAIN_MS = 2_000;

/**
 * Door 1: REST over one TLS port, HTTP/1.1 and HTTP/2. Certificates of clients are asked for, not demanded:
 * tokens are welcome too.
 * Sessions are not resumed: a certificate is verified in each connection's own handshake.
 */
export class HttpDoor {
  readonly #options: HttpDoorOptions;
  readonly #server: Http2SecureServer;
  readonly #peers = new WeakMap<object, Peer>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<TLSSocket>();

  constructor(options: HttpDoorOptions) {
    this.#options = options;
    const { cert, key, clientCa } = options.tls;
    this.#server = createSecureServer({
      cert,
      key,
      ca: clientCa,
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET,
      settings: { maxConcurrentStreams: CONCURRENT_STREAMS_MAX },
    });
    this.#server.on('request', (request, response) => {
      // See AnyResponse.
      void this.#serve(request, response as unknown as AnyResponse);
    });
    this.#server.on(
      'upgrade',
      (request: IncomingMessage, socket: Duplex, head: Buffer) => void this.#upgrade(request, socket, head),
    );
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    this.#server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.setNoDelay(true);
    });
    this.#server.on('tlsClientError', (error: Error) =>
      options.log.debug('TLS handshake failed', { err: error.message }),
    );
    this.#server.on('sessionError', (error: Error) =>
      options.log.debug('HTTP/2 session failed', { err: error.message }),
    );
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no more connections, lets requests under way finish for a while, then cuts them off. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const force = this.#options.clock.setTimer(DRAIN_MS, () => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    force.cancel();
  }

  async #serve(raw: AnyRequest, response: AnyResponse): Promise<void> {
    const { pipeline, clock, log } = this.#options;
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client is gone')));
    response.on('error', () => gone.abort(new Error('the client is gone')));
    const request = this.#request(raw, gone.signal);
    try {
      await writeResponse(response, await pipeline.handle(request), { clock, signal: gone.signal });
      // A body nobody read: the connection is of no more use once the answer is out.
      if (!raw.complete) raw.resume();
    } catch (error) {
      if (!gone.signal.aborted) log.warn('answer broke off', { err: error, path: request.path });
      response.destroy();
    }
  }

  async #upgrade(raw: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new Error('the client is gone')));
    socket.on('error', () => socket.destroy());
    const request: ApiRequest = { ...this.#request(raw, gone.signal), isUpgrade: true };
    try {
      await this.#options.upgrade(request, raw, socket, head);
    } catch (error) {
      refuseUpgrade(socket, this.#options.pipeline.refusal(error, request));
    }
  }

  #request(raw: AnyRequest, signal: AbortSignal): ApiRequest {
    const url = raw.url ?? '/';
    const mark = url.indexOf('?');
    const source = raw as IncomingMessage;
    let body: Promise<Uint8Array> | undefined;
    return {
      method: raw.method ?? 'GET',
      path: mark < 0 ? url : url.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
      headers: flatHeaders(raw.headers),
      peer: this.#peerOf(raw),
      body: () => {
        body ??= withTimeout(readBody(source), this.#options.clock);
        return body;
      },
      signal,
    };
  }

  /** Read from the certificate once a connection. */
  #peerOf(raw: AnyRequest): Peer {
    const isHttp2 = 'stream' in raw;
    const session = isHttp2 ? raw.stream.session : undefined;
    const key: object = session ?? raw.socket;
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = peerOfSocket(raw.socket as TLSSocket);
      this.#peers.set(key, peer);
    }
    return peer;
  }
}

function flatHeaders(headers: IncomingMessage['headers']): Record<string, string | undefined> {
  const flat: Record<string, string | undefined> = Object.create(null) as Record<string, string | undefined>;
  for (const [name, value] of Object.entries(headers))
    flat[name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}

function withTimeout(body: Promise<Uint8Array>, clock: Clock): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(REQUEST_TIMEOUT_MS, () =>
      reject(errors.timeout('the body did not arrive in time')),
    );
    body.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** The answer to an upgrade that is not granted, by hand: there is no response object any more. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const { code, headers, body } = errorBody(error);
  const lines = Object.entries({
    ...headers,
    'content-length': String(body.length),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    Buffer.concat([
      Buffer.from(`HTTP/1.1 ${code} ${error.reason ?? 'Error'}\r\n${lines.join('')}\r\n`),
      body,
    ]),
  );
}
