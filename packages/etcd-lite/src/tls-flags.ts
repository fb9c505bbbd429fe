import { readFileSync } from 'node:fs';
import { UsageError } from '@kubelab/component-base';
import { type ClientTls, isSecure, type ServerTls } from '@kubelab/rpc';

export interface TlsFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly requireClientCert: boolean;
}

/** Undefined without a certificate: then only http URLs can be served. */
export function serverTls(files: TlsFiles): ServerTls | undefined {
  if (files.requireClientCert && files.ca === undefined) {
    throw new UsageError('client certificates cannot be verified without a trusted CA file');
  }
  if (files.cert === undefined || files.key === undefined) return undefined;
  return {
    cert: readFileSync(files.cert),
    key: readFileSync(files.key),
    // As in etcd, a trusted CA is enough to make certificates a must.
    clientCa: files.ca === undefined ? undefined : readFileSync(files.ca),
  };
}

/** How a member calls the others: with its own certificate. */
export function clientTls(files: TlsFiles): ClientTls | undefined {
  if (files.ca === undefined) return undefined;
  const ca = readFileSync(files.ca);
  if (files.cert === undefined || files.key === undefined) return { ca };
  return { ca, cert: readFileSync(files.cert), key: readFileSync(files.key) };
}

/** What a server that listens on `url` needs: nothing for http. */
export function tlsOf(url: string, tls: ServerTls | undefined): ServerTls | undefined {
  if (isSecure(url) && tls === undefined) throw new UsageError(`${url} needs a certificate and a key`);
  return isSecure(url) ? tls : undefined;
}
