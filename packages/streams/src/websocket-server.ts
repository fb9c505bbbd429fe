import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type ChannelProtocol, negotiate } from './channels.ts';
import type { RemoteCommandOptions, RemoteCommandSession } from './remote-command.ts';
import { webSocketSession } from './websocket-session.ts';

/** A message from a client: keystrokes and pieces of files, never more. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: MESSAGE_BYTES_MAX,
  perMessageDeflate: false,
  handleProtocols: (offered) => negotiate([...offered]) ?? false,
});

export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Answers an HTTP upgrade with a channel session. Without a protocol in common it refuses with 400 (kubectl then
 * tries the next protocol by itself) and gives undefined.
 */
export async function acceptRemoteCommand(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: RemoteCommandOptions,
): Promise<RemoteCommandSession | undefined> {
  const protocol = offeredProtocol(request);
  if (!isWebSocketUpgrade(request) || protocol === undefined) {
    refuseUpgrade(socket, 400, 'unable to upgrade: no channel protocol in common');
    return undefined;
  }
  return new Promise((resolve) => {
    sockets.handleUpgrade(request, socket, head, (ws) => {
      resolve(webSocketSession(ws, protocol, options));
    });
    // A handshake that is refused (bad key, bad version) ends the socket without a callback.
    socket.once('close', () => resolve(undefined));
  });
}

function offeredProtocol(request: IncomingMessage): ChannelProtocol | undefined {
  const header = request.headers['sec-websocket-protocol'] ?? '';
  return negotiate(header.split(',').map((protocol) => protocol.trim()));
}

/** A plain HTTP answer on a socket that was to be upgraded. */
export function refuseUpgrade(
  socket: Duplex,
  code: number,
  message: string,
  contentType = 'text/plain',
): void {
  const body = Buffer.from(message);
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${code} ${REASONS[code] ?? 'Error'}\r\nContent-Type: ${contentType}\r\n` +
          `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      body,
    ]),
  );
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};
