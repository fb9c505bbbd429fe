import type { SecureContextOptions } from 'node:tls';
import { WebSocket } from 'ws';
import {
  CHANNEL,
  CHANNEL_PROTOCOLS,
  decodeFrame,
  encodeFrame,
  type Frame,
  type TerminalSize,
} from './channels.ts';

export interface ChannelClientOptions extends SecureContextOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** The name to verify in the server's certificate, when it is not the URL's host. */
  readonly servername?: string;
  readonly onFrame: (frame: Frame) => void;
}

/** The client's end of a remote command. */
export interface ChannelClient {
  readonly protocol: string;
  /** Resolves with the close code when the session is over. */
  readonly closed: Promise<number>;
  sendStdin(data: Uint8Array | string): void;
  /** v5 only: the server may go on writing. */
  closeStdin(): void;
  resize(size: TerminalSize): void;
  close(): void;
}

/** Opens a session; rejects with the server's HTTP code in the message when it refuses to upgrade. */
export function connectChannels(url: string, options: ChannelClientOptions): Promise<ChannelClient> {
  const { protocols = CHANNEL_PROTOCOLS, onFrame, ...connection } = options;
  const socket = new WebSocket(url, [...protocols], { ...connection, perMessageDeflate: false });
  const closed = new Promise<number>((resolve) => {
    socket.once('close', resolve);
  });
  socket.on('message', (data: Buffer) => {
    const frame = decodeFrame(data);
    if (frame !== undefined) onFrame(frame);
  });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('open', () =>
      resolve({
        protocol: socket.protocol,
        closed,
        sendStdin: (data) => socket.send(encodeFrame(CHANNEL.stdin, data)),
        closeStdin: () => socket.send(encodeFrame(CHANNEL.close, Uint8Array.of(CHANNEL.stdin))),
        resize: ({ width, height }) =>
          socket.send(encodeFrame(CHANNEL.resize, JSON.stringify({ Width: width, Height: height }))),
        close: () => socket.close(),
      }),
    );
  });
}
