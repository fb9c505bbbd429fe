import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import {
  CHANNEL,
  CHANNEL_PROTOCOL_V5,
  type ChannelProtocol,
  decodeFrame,
  encodeFrame,
  parseResize,
  type TerminalSize,
} from './channels.ts';
import type { RemoteCommandOptions, RemoteCommandSession, RemoteCommandStatus } from './remote-command.ts';

const NORMAL_CLOSURE = 1000;

/**
 * The server's end of a channel protocol over an open WebSocket.
 * Invariants
 *   STREAM-1  the status is the last frame: it leaves after all of stdout and stderr
 *   STREAM-2  a slow reader slows the writer: each write waits for its frame to reach the socket, and an
 *             unread stdin pauses the socket
 */
export function webSocketSession(
  socket: WebSocket,
  protocol: ChannelProtocol,
  options: RemoteCommandOptions,
): RemoteCommandSession {
  const gone = new AbortController();
  const stdin = options.stdin ? new Readable({ read: () => socket.resume() }) : undefined;
  const stdout = options.stdout ? channelWriter(socket, CHANNEL.stdout) : undefined;
  const stderr = options.stderr ? channelWriter(socket, CHANNEL.stderr) : undefined;
  let lastSize: TerminalSize | undefined;
  let resizeHandler: ((size: TerminalSize) => void) | undefined;
  let finished: Promise<void> | undefined;

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const frame = isBinary ? decodeFrame(data) : undefined;
    if (frame === undefined) return;
    if (frame.channel === CHANNEL.stdin) {
      if (frame.payload.length > 0 && stdin?.push(frame.payload) === false) socket.pause();
    } else if (frame.channel === CHANNEL.resize) {
      lastSize = parseResize(frame.payload) ?? lastSize;
      if (lastSize !== undefined) resizeHandler?.(lastSize);
    } else if (frame.channel === CHANNEL.close && protocol === CHANNEL_PROTOCOL_V5) {
      if (frame.payload[0] === CHANNEL.stdin) stdin?.push(null);
    }
  });
  const end = () => {
    stdin?.push(null);
    stdout?.destroy();
    stderr?.destroy();
    gone.abort(new Error('the client is gone'));
  };
  socket.on('close', end);
  socket.on('error', end);

  return {
    stdin,
    stdout,
    stderr,
    signal: gone.signal,
    onResize(handler) {
      resizeHandler = handler;
      if (lastSize !== undefined) handler(lastSize);
    },
    finish(status) {
      finished ??= sendStatus(socket, [stdout, stderr], status);
      return finished;
    },
  };
}

function channelWriter(socket: WebSocket, channel: number): Writable {
  const writer = new Writable({
    write(chunk: Buffer, _encoding, done) {
      socket.send(encodeFrame(channel, chunk), (err) => done(err ?? null));
    },
  });
  // A client that went away is told by the session's signal; the write that hit it has nothing to add.
  writer.on('error', () => undefined);
  return writer;
}

async function sendStatus(
  socket: WebSocket,
  outputs: readonly (Writable | undefined)[],
  status: RemoteCommandStatus,
): Promise<void> {
  await Promise.all(outputs.map(flushed)); // STREAM-1
  if (socket.readyState !== socket.OPEN) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.send(encodeFrame(CHANNEL.error, JSON.stringify(status)));
    socket.close(NORMAL_CLOSURE);
    // The closing handshake needs a socket that is read.
    socket.resume();
  });
}

function flushed(output: Writable | undefined): Promise<void> {
  if (output === undefined || output.destroyed || output.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    output.once('close', resolve);
    output.end();
  });
}
