import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@kubelab/component-base';
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
    headers: {
      // HTTP/2's name for it.
      host: headers[':authority']?.toString(),
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
      ),
    },
    body: incoming,
    // By its value: HTTP/2 shows its socket by a proxy, on which `in` finds nothing.
    isSecure: (socket as Partial<TLSSocket>).encrypted === true,
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
    if (!outgoing.write(piece)) await room(outgoing);
    if (outgoing.destroyed) return;
  }
  outgoing.end();
}

/** Resolves when the client has read on, or is gone. Leaves no listener behind: a watch waits like this for days. */
async function room(outgoing: ServerResponse): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  try {
    await Promise.race([once(outgoing, 'drain', { signal }), once(outgoing, 'close', { signal })]);
  } finally {
    done.abort();
  }
}
