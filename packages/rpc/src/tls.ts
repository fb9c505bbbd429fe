import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** PEM, as text or bytes. A client that has no certificate of its own leaves `cert` and `key` out. */
export interface ClientTls {
  readonly ca: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name the server's certificate must carry, where it is not the host of the URL. */
  readonly serverName?: string;
}

/**
 * PEM. With `clientCa`, certificates of clients are asked for and verified; `requireClientCert` refuses those
 * without.
 */
export interface ServerTls {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly clientCa?: string | Uint8Array | undefined;
  readonly requireClientCert?: boolean;
}

const SECURE_SCHEMES = new Set(['https:', 'grpcs:']);

export function isSecure(url: string): boolean {
  return SECURE_SCHEMES.has(new URL(url).protocol);
}

/** `https://10.0.0.1:2379` → `10.0.0.1:2379`, as grpc-js wants its targets and addresses to listen on. */
export function hostPort(url: string): string {
  const { host, port, hostname, protocol } = new URL(url);
  if (port !== '') return host;
  return `${hostname}:${SECURE_SCHEMES.has(protocol) ? 443 : 80}`;
}

export function clientCredentials(url: string, tls: ClientTls | undefined): ChannelCredentials {
  if (!isSecure(url)) return credentials.createInsecure();
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert));
}

function pem(value: string | Uint8Array | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}
