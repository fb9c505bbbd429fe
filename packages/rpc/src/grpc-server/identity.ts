import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Who is at the other end of a connection. */
export interface Identity {
  /** Address and port. */
  readonly peer: string;
  /** Verified; undefined when the client gave none, or one that does not verify. */
  readonly certificate: X509Certificate | undefined;
  readonly commonName: string | undefined;
}

/** Read off once a connection: sockets forget it when they close. */
export function identityOf(socket: Socket | TLSSocket): Identity {
  const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
  // Asked for by its value: an HTTP/2 session shows its socket by a proxy, on which `in` finds nothing.
  const secure = socket as Partial<TLSSocket>;
  if (secure.authorized !== true) return { peer, certificate: undefined, commonName: undefined };
  const { CN } = secure.getPeerCertificate?.().subject ?? {};
  // Several names are no name: which one would it be?
  const commonName = typeof CN === 'string' && CN !== '' ? CN : undefined;
  return { peer, certificate: secure.getPeerX509Certificate?.(), commonName };
}
