import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Logger } from '@kubelab/component-base';
import type { Peer } from '../core/messages.ts';
import { peerOfSocket } from '../http/peer.ts';

export interface TlsFiles {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly clientCa: string | Buffer;
}

/**
 * Our own TLS in front of the gRPC library, which knows only "certificate demanded" and "not asked for": here
 * it is asked for, none is fine,
 * and a connection with one that does not verify is cut off. Who is at the other end is read once a
 * connection.
 */
export class TlsListener {
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  /** By `address:port` of the other end, which names a live connection. */
  readonly #peers = new Map<string, Peer>();

  constructor(tls: TlsFiles, inject: (socket: TLSSocket) => void, log: Logger) {
    this.#server = createServer({
      cert: tls.cert,
      key: tls.key,
      ca: tls.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET,
      ALPNProtocols: ['h2'],
    });
    this.#server.on('tlsClientError', (error) => log.debug('TLS handshake failed', { err: error.message }));
    this.#server.on('secureConnection', (socket) => {
      socket.on('error', () => socket.destroy());
      const peer = peerOfSocket(socket);
      if (peer.certificate === 'invalid') {
        log.warn('connection with an invalid client certificate refused', { peer: peer.address });
        socket.destroy();
        return;
      }
      this.#keep(socket, peer);
      socket.setNoDelay(true);
      inject(socket);
    });
  }

  peerAt(address: string): Peer | undefined {
    return this.#peers.get(address);
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Takes no more connections; those there are stay. */
  stopListening(): void {
    this.#server.close();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: TLSSocket, peer: Peer): void {
    this.#sockets.add(socket);
    this.#peers.set(peer.address, peer);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#peers.get(peer.address) === peer) this.#peers.delete(peer.address);
    });
  }
}
