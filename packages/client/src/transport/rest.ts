import http from 'node:http';
import https from 'node:https';
import type { CallRequest, KubeVerb } from '@kubelab/rpc/kube-api';
import type { ClientConfig } from '../types.ts';
import { refusalOf } from './call.ts';
import { type Transport, TransportError, type TransportResponse, type WatchFrame } from './transport.ts';

const METHOD: Readonly<Record<KubeVerb, string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** A peer that vanished without a word is noticed after this and ten probes a second apart. */
const TCP_KEEPALIVE_MS = 5_000;
const WATCH_ANSWER_TIMEOUT_MS = 10_000;
/** One watch event; above it the server is not one we can talk to. */
const WATCH_LINE_BYTES_MAX = 64 << 20;

/**
 * HTTP/1.1 with kept connections: one for each watch, a few for calls. Works against any Kubernetes API
 * server.
 */
export function restTransport(server: string, config: ClientConfig): Transport {
  const url = new URL(server);
  const isTls = url.protocol === 'https:';
  const basePath = url.pathname.replace(/\/$/, '');
  const agent = isTls
    ? new https.Agent({
        keepAlive: true,
        keepAliveMsecs: TCP_KEEPALIVE_MS,
        scheduling: 'lifo',
        ca: config.ca as string,
        cert: config.cert as string,
        key: config.key as string,
        minVersion: 'TLSv1.2',
        ...(config.serverName === undefined ? {} : { servername: config.serverName }),
      })
    : new http.Agent({ keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, scheduling: 'lifo' });

  return { call, watch, close: () => agent.destroy() };

  async function call(request: CallRequest, timeoutMs: number): Promise<TransportResponse> {
    const exchange = send(METHOD[request.verb], request.path, request.query, request);
    const timer = setTimeout(() => exchange.giveUp('timed out', true), timeoutMs);
    try {
      const response = await exchange.response;
      const body = await exchange.read(response);
      const warning = response.headers['warning'];
      return {
        code: response.statusCode ?? 0,
        body,
        warnings: typeof warning === 'string' ? [warning] : [],
        retryAfterSeconds: secondsOf(response.headers['retry-after']),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  async function* watch(path: string, query: string, signal: AbortSignal): AsyncGenerator<WatchFrame> {
    if (signal.aborted) return;
    const exchange = send('GET', path, query);
    const onAbort = () => exchange.giveUp('watch left', false);
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => exchange.giveUp('watch not answered', true), WATCH_ANSWER_TIMEOUT_MS);
    try {
      const response = await exchange.response;
      clearTimeout(timer);
      response.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      if (response.statusCode !== 200) {
        throw refusalOf(response.statusCode ?? 0, await exchange.read(response));
      }
      for await (const line of linesOf(response, server)) yield frameOf(line, server);
    } catch (error) {
      if (signal.aborted) return;
      throw exchange.lossOf(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      exchange.giveUp('watch ended', false);
    }
  }

  function send(method: string, path: string, query: string, body?: CallRequest) {
    let isConnected = false;
    const headers: Record<string, string | number> = {
      accept: 'application/json',
      'user-agent': config.userAgent,
    };
    if (config.token !== undefined) headers['authorization'] = `Bearer ${config.token}`;
    if (body !== undefined && body.body.length > 0) {
      headers['content-type'] = body.contentType === '' ? 'application/json' : body.contentType;
      headers['content-length'] = body.body.length;
    }
    const request = (isTls ? https : http).request({
      agent,
      method,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isTls ? 443 : 80) : url.port,
      path: `${basePath}${path}${query === '' ? '' : `?${query}`}`,
      headers,
    });
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(isTls ? 'secureConnect' : 'connect', () => (isConnected = true));
      else isConnected = true;
    });
    const lossOf = (error: unknown): Error => {
      if (!(error instanceof Error) || error instanceof TransportError || !isNetworkError(error))
        return error as Error;
      return new TransportError(server, error.message, { maybeSent: isConnected, cause: error });
    };
    const response = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', (error) => reject(lossOf(error)));
    });
    // The answer may fail after everybody stopped waiting for it.
    response.catch(() => undefined);
    request.end(body === undefined || body.body.length === 0 ? undefined : body.body);
    return {
      response,
      lossOf,
      giveUp: (why: string, timedOut: boolean) =>
        request.destroy(new TransportError(server, why, { maybeSent: isConnected, timedOut })),
      async read(message: http.IncomingMessage): Promise<Uint8Array> {
        try {
          const chunks: Buffer[] = [];
          for await (const chunk of message) chunks.push(chunk as Buffer);
          return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
        } catch (error) {
          throw lossOf(error);
        }
      },
    };
  }
}

/**
 * Errors of sockets and TLS carry a code; everything else is a bug and must not be taken for a lost server.
 */
function isNetworkError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string';
}

async function* linesOf(stream: AsyncIterable<Buffer>, server: string): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8');
      parts = [];
      partBytes = 0;
      from = at + 1;
      if (line !== '') yield line;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      partBytes += chunk.length - from;
      if (partBytes > WATCH_LINE_BYTES_MAX) {
        throw new TransportError(server, 'watch event too large', { maybeSent: true });
      }
    }
  }
}

function frameOf(line: string, server: string): WatchFrame {
  try {
    return JSON.parse(line) as WatchFrame;
  } catch (cause) {
    throw new TransportError(server, 'watch event is not JSON', { maybeSent: true, cause });
  }
}

function secondsOf(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || !Number.isFinite(seconds) ? undefined : seconds;
}
