import type { TLSSocket } from 'node:tls';
import type { ClientCertificate, Peer } from '../core/messages.ts';

/** Who is at the other end of a TLS connection, as far as the handshake has shown. */
export function peerOfSocket(
  socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate' | 'remoteAddress' | 'remotePort'>,
): Peer {
  const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
  const certificate = socket.getPeerCertificate(false);
  // Node gives an empty object when there is none.
  if (certificate === null || Object.keys(certificate).length === 0) return { address, certificate: 'none' };
  if (!socket.authorized) return { address, certificate: 'invalid' };
  return { address, certificate: subjectOf(certificate) ?? 'invalid' };
}

interface NodeCertificate {
  readonly subject: { readonly CN?: string | string[]; readonly O?: string | string[] };
  readonly valid_to: string;
}

function subjectOf(certificate: NodeCertificate): ClientCertificate | undefined {
  const { CN, O } = certificate.subject ?? {};
  const notAfterMs = Date.parse(certificate.valid_to);
  // Several names are no name: which one would it be?
  if (typeof CN !== 'string' || CN === '' || Number.isNaN(notAfterMs)) return undefined;
  const organizations = O === undefined ? [] : Array.isArray(O) ? O : [O];
  return { commonName: CN, organizations, notAfterMs };
}
