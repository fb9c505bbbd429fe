import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { PING } from './client.ts';
import { MessageSocket, type MessageSocketOptions } from './message-socket.ts';

/** See `GrpcServer`. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** Somebody who wants a connection to become something else. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What came behind the request. */
  readonly head: Buffer;
}

export interface AcceptOptions extends MessageSocketOptions {
  readonly protocol: string;
  /** A client from which nothing has come for so long is gone. */
  readonly idleTimeoutMs: number;
}

/** The end of `MessageStream` that listens. */
export function acceptMessages({ socket, head }: Upgrade, options: AcceptOptions): MessageSocket {
  socket.write(headOf(101, { Connection: 'Upgrade', Upgrade: options.protocol }));
  socket.setTimeout(options.idleTimeoutMs);
  const messages = new MessageSocket(socket, head, {
    ...options,
    onMessage: (bytes) => (bytes.length === 0 ? messages.write(PING) : options.onMessage(bytes)),
  });
  return messages;
}

/** `text` is what the client is told. */
export function refuseUpgrade({ socket }: Upgrade, status: number, text: string): void {
  const fields = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) };
  socket.on('error', () => undefined);
  socket.end(headOf(status, { Connection: 'close', ...fields }) + text);
}

function headOf(status: number, fields: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`;
}
