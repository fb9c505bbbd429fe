import type { X509Certificate } from 'node:crypto';
import type { SecureVersion } from 'node:tls';

/** PEM, as text or bytes. A client that has no certificate of its own leaves `cert` and `key` out. */
export interface ClientTls {
  readonly ca: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name the server's certificate must carry, where it is not the host of the URL. */
  readonly serverName?: string;
  /** Any certificate will do: the server has made its own. */
  readonly skipVerify?: boolean;
  /** Asked before each connection: what is valid now. The same object as long as nothing has changed. */
  readonly current?: () => ClientTls;
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
  /** Revoked certificates of clients. */
  readonly crl?: string | Uint8Array | undefined;
  /** OpenSSL's names, joined by `:`. */
  readonly ciphers?: string | undefined;
  /** Default: TLS 1.2. */
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** Of a certificate that verifies: false cuts the client off. */
  readonly accepts?: ((certificate: X509Certificate) => boolean) | undefined;
  /** Asked before each handshake: what is valid now. The same object as long as nothing has changed. */
  readonly current?: () => ServerTls;
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
