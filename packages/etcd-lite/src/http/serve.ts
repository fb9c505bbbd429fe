import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { once } from 'node:events';
import type { TlsOptions } from 'node:tls';
import type { Logger } from '@kubelab/component-base';
import type { ServerTls } from '@kubelab/rpc';
import { type HttpHandler, type HttpRequest, type HttpResponse, plainError } from './message.ts';

/** The one file that knows how a handler hangs on node:http. */
export function requestListener(handler: HttpHandler, log: Logger): RequestListener {
  return (incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const gone = new AbortController();
      outgoing.once('close', () => gone.abort(new Error('the client is gone')));
      const request = requestOf(incoming, gone.signal);
      await send(
        request === undefined ? plainError(400, '400 Bad Request') : await handler(request),
        outgoing,
      );
    };
    answer().catch((err: unknown) => {
      log.warn('an HTTP request failed', { path: incoming.url, err });
      if (outgoing.headersSent) outgoing.destroy();
      else void send(plainError(500, 'Internal Server Error'), outgoing);
    });
  };
}

/** Undefined: its URL cannot be read. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): HttpRequest | undefined {
  const { method = 'GET', url = '/', headers, socket } = incoming;
  const base = 'http://localhost';
  if (!URL.canParse(url, base)) return undefined;
  const { pathname, searchParams } = new URL(url, base);
  return {
    method,
    path: pathname,
    query: searchParams,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    ),
    body: incoming,
    isSecure: 'encrypted' in socket,
    peer: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`,
    signal,
  };
}

async function send({ status, headers, body }: HttpResponse, outgoing: ServerResponse): Promise<void> {
  if (typeof body === 'string') {
    outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    outgoing.end(body);
    return;
  }
  outgoing.writeHead(status, headers);
  for await (const piece of body) {
    if (!outgoing.write(piece)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')]);
    if (outgoing.destroyed) return;
  }
  outgoing.end();
}

/** Serves a handler alone on an address, until the function it resolves to is called. */
export async function listenHttp(
  url: string,
  handler: HttpHandler,
  { tls, log }: { readonly tls: ServerTls | undefined; readonly log: Logger },
): Promise<() => void> {
  const listener = requestListener(handler, log);
  const server = tls === undefined ? createServer(listener) : createSecureServer(tlsOptions(tls), listener);
  const { hostname, port } = new URL(url);
  server.listen(Number(port) || (tls === undefined ? 80 : 443), hostname.replace(/^\[(.*)\]$/, '$1'));
  await once(server, 'listening');
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

function tlsOptions({ cert, key, clientCa, requireClientCert }: ServerTls): TlsOptions {
  return {
    cert: Buffer.from(cert),
    key: Buffer.from(key),
    ...(clientCa !== undefined && {
      ca: Buffer.from(clientCa),
      requestCert: true,
      rejectUnauthorized: requireClientCert !== false,
    }),
    minVersion: 'TLSv1.2',
  };
}
