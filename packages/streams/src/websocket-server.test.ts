import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { CHANNEL, encodeFrame } from './channels.ts';
import { exitStatus, type RemoteCommandSession, remoteCommandOptions, success } from './remote-command.ts';
import { acceptRemoteCommand } from './websocket-server.ts';

type Serve = (session: RemoteCommandSession) => Promise<void>;
let server: Server;
let serve: Serve;

before(async () => {
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const options = remoteCommandOptions(new URL(request.url ?? '/', 'http://x').searchParams);
    void acceptRemoteCommand(request, socket, head, options).then((session) => {
      if (session !== undefined) return serve(session);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => server.close());

interface Seen {
  readonly frames: { channel: number; text: string }[];
  readonly code: number;
}

/** Connects, sends `frames`, and gives what came back until the close. */
function talk(query: string, protocols: string[], frames: Uint8Array[]): Promise<Seen> {
  const { port } = server.address() as AddressInfo;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/exec?${query}`, protocols);
  const seen: Seen['frames'] = [];
  return new Promise((resolve, reject) => {
    ws.on('open', () => {
      for (const frame of frames) ws.send(frame);
    });
    ws.on('message', (data: Buffer) =>
      seen.push({ channel: data[0] ?? -1, text: data.subarray(1).toString() }),
    );
    ws.on('error', reject);
    ws.on('close', (code) => resolve({ frames: seen, code }));
  });
}

const textOf = (seen: Seen, channel: number) =>
  seen.frames
    .filter((frame) => frame.channel === channel)
    .map((frame) => frame.text)
    .join('');

test('v5: a closed stdin ends the input, and the output still arrives before the status', async () => {
  serve = async (session) => {
    assert.ok(session.stdin !== undefined && session.stdout !== undefined);
    await pipeline(session.stdin, session.stdout, { end: false });
    await session.finish(success);
  };
  const seen = await talk(
    'stdin=true&stdout=true',
    ['v5.channel.k8s.io'],
    [
      encodeFrame(CHANNEL.stdin, 'hello '),
      encodeFrame(CHANNEL.stdin, 'there'),
      encodeFrame(CHANNEL.close, '\0'),
    ],
  );
  assert.equal(textOf(seen, CHANNEL.stdout), 'hello there');
  assert.deepEqual(JSON.parse(textOf(seen, CHANNEL.error)), { metadata: {}, status: 'Success' });
  assert.equal(seen.frames.at(-1)?.channel, CHANNEL.error);
  assert.equal(seen.code, 1000);
});

test('STREAM-1 the status follows everything written, however much that is', async () => {
  const lots = 'x'.repeat(3_000_000);
  serve = async (session) => {
    session.stdout?.write(lots);
    session.stderr?.write('oops');
    await session.finish(exitStatus(7));
  };
  const seen = await talk('stdout=1&stderr=1', ['v4.channel.k8s.io'], []);
  assert.equal(textOf(seen, CHANNEL.stdout).length, lots.length);
  assert.equal(textOf(seen, CHANNEL.stderr), 'oops');
  assert.deepEqual(JSON.parse(seen.frames.at(-1)?.text ?? ''), exitStatus(7));
});

test('STREAM-2 stdin that nobody reads pauses the socket and resumes later', async () => {
  const piece = Buffer.alloc(64 * 1024, 1);
  let bytes = 0;
  serve = async (session) => {
    await new Promise((resolve) => setImmediate(resolve));
    for await (const chunk of session.stdin ?? []) bytes += (chunk as Buffer).length;
    await session.finish(success);
  };
  const frames = Array.from({ length: 40 }, () => encodeFrame(CHANNEL.stdin, piece));
  await talk('input=1&output=1', ['v5.channel.k8s.io'], [...frames, encodeFrame(CHANNEL.close, '\0')]);
  assert.equal(bytes, 40 * piece.length);
});

test('a resize is told, also when it came before anybody listened', async () => {
  const sizes: unknown[] = [];
  serve = async (session) => {
    for await (const _ of session.stdin ?? []);
    session.onResize((size) => sizes.push(size));
    await session.finish(success);
  };
  await talk(
    'stdin=true&stdout=true&tty=true',
    ['v5.channel.k8s.io'],
    [
      encodeFrame(CHANNEL.resize, 'not json'),
      encodeFrame(CHANNEL.resize, '{"Width":80,"Height":24}\n'),
      encodeFrame(CHANNEL.close, '\0'),
    ],
  );
  assert.deepEqual(sizes, [{ width: 80, height: 24 }]);
});

test('a client that goes away aborts the session', async () => {
  const aborted = new Promise<void>((resolve) => {
    serve = async (session) => session.signal.addEventListener('abort', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/exec?stdout=1`, ['v5.channel.k8s.io']);
  ws.on('open', () => ws.terminate());
  await aborted;
});

test('no protocol in common is refused with 400', async () => {
  await assert.rejects(talk('stdout=1', ['v9.channel.k8s.io'], []), /400/);
});
