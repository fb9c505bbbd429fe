import net from 'node:net';
import nodeTls from 'node:tls';
import { type ClientTls, hostPort, isSecure } from './tls.ts';

/** A connection to the host of `url`; with TLS, `protocol` is what ALPN offers. */
export function connectSocket(url: string, given: ClientTls | undefined, protocol: string): net.Socket {
  const tls = given?.current?.() ?? given;
  const { hostname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const target = { host, port: Number(hostPort(url).split(':').at(-1)), noDelay: true };
  if (!isSecure(url)) return net.connect(target);
  return nodeTls.connect({
    ...target,
    ...(tls === undefined ? {} : { ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) }),
    // A name in the greeting must be one; what is verified is the host either way.
    ...(tls?.serverName === undefined && net.isIP(host) !== 0 ? {} : { servername: tls?.serverName ?? host }),
    ALPNProtocols: [protocol],
    rejectUnauthorized: tls?.skipVerify !== true,
  });
}

function pem(value: string | Uint8Array | undefined): string | Buffer | undefined {
  return value === undefined || typeof value === 'string' ? value : Buffer.from(value);
}
