import { once } from 'node:events';
import http2, {
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { SecureClientSessionOptions } from 'node:http2';
import { frameOf } from '../message-reader.ts';

/** What came back, as it was on the wire. */
export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Of the trailers, or of the headers where those are all. */
  readonly status: string | undefined;
  readonly text: string;
  readonly body: Buffer;
  readonly resetCode: number;
}

export interface RawRequest {
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Each a DATA frame; default: one empty message. */
  readonly pieces?: readonly Uint8Array[];
  /** The client's last word; default yes. */
  readonly end?: boolean;
}

export async function connectRaw(
  url: string,
  options: SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = http2.connect(url, options);
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

/** A call with anything in it, right or wrong. */
export async function rawCall(session: ClientHttp2Session, request: RawRequest): Promise<RawAnswer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': request.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...request.headers,
  });
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (received) => (headers = received));
  stream.on('trailers', (received) => (trailers = received));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => undefined);
  const answered = new Promise<void>((resolve) => {
    stream.on('close', resolve);
    if (request.end === false) stream.on('end', resolve);
  });
  for (const piece of request.pieces ?? [frameOf(Buffer.alloc(0))]) {
    stream.write(piece);
    // So that each becomes a frame of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (request.end !== false) stream.end();
  await answered;
  const status = trailers['grpc-status'] ?? headers['grpc-status'];
  const text = trailers['grpc-message'] ?? headers['grpc-message'] ?? '';
  return {
    headers,
    status: status === undefined ? undefined : String(status),
    text: decodeURIComponent(String(text)),
    body: Buffer.concat(chunks),
    resetCode: stream.rstCode,
  };
}

/** The messages in a body. */
export function messagesIn(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push(body.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
