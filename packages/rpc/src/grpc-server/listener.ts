import net from 'node:net';
import tls from 'node:tls';
import type { ServerTls } from '../tls.ts';
import { FirstFrames, type Verdict } from './first-frames.ts';

export interface ListenerOptions {
  /** Whether what is no HTTP/2 is wanted at all. */
  readonly allowHttp1: boolean;
  /** How long a new connection may take to say what it wants. */
  readonly greetingTimeoutMs: number;
  readonly onHttp2: (socket: net.Socket) => void;
  readonly onHttp1: (socket: net.Socket) => void;
}

/** What a client's side of HTTP/2 begins with; no method of HTTP/1.1 does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * A port that takes HTTP/2 and HTTP/1.1, in plain text or over TLS. Which one a connection speaks was agreed upon
 * in the TLS handshake (ALPN), or its first bytes show it.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: net.Server | tls.Server;
  readonly #security: ServerTls | undefined;
  #last: ServerTls | undefined;
  /** Connections that have not said yet what they want. */
  readonly #silent = new Set<net.Socket>();

  constructor(options: ListenerOptions, security: ServerTls | undefined) {
    this.#options = options;
    this.#security = security;
    this.#last = security;
    if (security === undefined) {
      this.#server = net.createServer({ noDelay: true }, (socket) => this.#greet(socket));
      return;
    }
    this.#server = tls.createServer(
      {
        ...contextOf(security),
        ALPNProtocols: options.allowHttp1 ? ['h2', 'http/1.1'] : ['h2'],
        requestCert: security.clientCa !== undefined,
        rejectUnauthorized: security.clientCa !== undefined && security.requireClientCert !== false,
        handshakeTimeout: options.greetingTimeoutMs,
        noDelay: true,
      },
      (socket) => this.#greet(socket),
    );
    this.#server.on('tlsClientError', ignore);
    // Before the server's own listener, which begins the handshake.
    this.#server.prependListener('connection', () => this.#refresh());
  }

  /** `host:port`, `[::1]:port`. Resolves to the port; 0 lets the system pick a free one. */
  listen(address: string): Promise<number> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error })),
      );
      this.#server.listen(Number(address.slice(colon + 1)), host, () => {
        this.#server.on('error', ignore);
        resolve((this.#server.address() as net.AddressInfo).port);
      });
    });
  }

  /** Takes no more connections; those handed on live. */
  close(): void {
    this.#server.close();
    for (const socket of this.#silent) socket.destroy();
  }

  /** Certificates may have been replaced since the last connection. */
  #refresh(): void {
    const now = this.#security?.current?.();
    if (now === undefined || now === this.#last) return;
    this.#last = now;
    if (this.#server instanceof tls.Server) this.#server.setSecureContext(contextOf(now));
  }

  #accepts(socket: net.Socket | tls.TLSSocket): boolean {
    const accepts = this.#security?.accepts;
    if (accepts === undefined || !('getPeerX509Certificate' in socket)) return true;
    const certificate = socket.getPeerX509Certificate();
    return certificate !== undefined && accepts(certificate);
  }

  #greet(socket: net.Socket | tls.TLSSocket): void {
    socket.on('error', ignore);
    if (!this.#accepts(socket)) return void socket.destroy();
    const protocol = 'alpnProtocol' in socket ? socket.alpnProtocol : null;
    if (protocol === 'h2') return this.#options.onHttp2(socket);
    if (protocol === 'http/1.1') return this.#options.onHttp1(socket);
    this.#silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#options.greetingTimeoutMs);
    let start: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const piece = socket.read() as Buffer | null;
      if (piece === null) return;
      start = Buffer.concat([start, piece]);
      const length = Math.min(start.length, PREFACE.length);
      const isHttp2 = start.compare(PREFACE, 0, length, 0, length) === 0;
      // The rest of the preface will follow.
      if (isHttp2 && length < PREFACE.length) return;
      socket.off('readable', look);
      socket.off('close', forget);
      forget();
      if (isHttp2) return this.#meet(socket, start.subarray(PREFACE.length));
      socket.unshift(start);
      if (this.#options.allowHttp1) this.#options.onHttp1(socket);
      else socket.destroy();
    };
    const forget = (): void => {
      clearTimeout(timer);
      this.#silent.delete(socket);
    };
    socket.on('readable', look);
    socket.on('close', forget);
  }

  /** Hands HTTP/2 in plain text on once its first headers have been looked at; `said`: what followed the preface. */
  #meet(socket: net.Socket, said: Buffer): void {
    const frames = new FirstFrames();
    const look = (): void => {
      const piece = socket.read() as Buffer | null;
      if (piece !== null) act(frames.next(piece));
    };
    const forget = (): void => {
      clearTimeout(timer);
      this.#silent.delete(socket);
    };
    const act = (verdict: Verdict): void => {
      if (verdict.kind === 'wait') return;
      if (verdict.kind === 'greet') return void socket.write(verdict.bytes);
      socket.off('readable', look);
      socket.off('close', forget);
      forget();
      if (verdict.kind === 'refuse') return void socket.destroy();
      socket.unshift(Buffer.concat([PREFACE, verdict.bytes]));
      this.#options.onHttp2(socket);
    };
    this.#silent.add(socket);
    const timer = setTimeout(() => act(frames.end()), this.#options.greetingTimeoutMs);
    socket.on('readable', look);
    socket.on('close', forget);
    act(frames.next(said));
  }
}

export function contextOf(security: ServerTls): tls.SecureContextOptions {
  const { cert, key, clientCa, crl, ciphers, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' } = security;
  return {
    cert: pem(cert),
    key: pem(key),
    minVersion,
    maxVersion,
    ...(clientCa === undefined ? {} : { ca: pem(clientCa) }),
    ...(crl === undefined ? {} : { crl: pem(crl) }),
    ...(ciphers === undefined ? {} : { ciphers }),
  };
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}

function ignore(): void {}
