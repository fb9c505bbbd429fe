import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { CHANNEL, parseResize } from './channels.ts';
import { exitStatus, type RemoteCommandSession, remoteCommandOptions, success } from './remote-command.ts';
import { type ChannelClient, connectChannels } from './websocket-client.ts';
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

/** Connects, lets `send` speak, and gives what came back until the close. */
async function talk(
  query: string,
  protocols: string[],
  send: (client: ChannelClient) => void,
): Promise<Seen> {
  const { port } = server.address() as AddressInfo;
  const frames: Seen['frames'] = [];
  const client = await connectChannels(`ws://127.0.0.1:${port}/exec?${query}`, {
    protocols,
    onFrame: ({ channel, payload }) => frames.push({ channel, text: Buffer.from(payload).toString() }),
  });
  send(client);
  return { frames, code: await client.closed };
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
  const seen = await talk('stdin=true&stdout=true', ['v5.channel.k8s.io'], (client) => {
    client.sendStdin('hello ');
    client.sendStdin('there');
    client.closeStdin();
  });
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
  const seen = await talk('stdout=1&stderr=1', ['v4.channel.k8s.io'], () => undefined);
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
  await talk('input=1&output=1', ['v5.channel.k8s.io'], (client) => {
    for (let i = 0; i < 40; i++) client.sendStdin(piece);
    client.closeStdin();
  });
  assert.equal(bytes, 40 * piece.length);
});

test('a resize is told, also when it came before anybody listened', async () => {
  const sizes: unknown[] = [];
  serve = async (session) => {
    for await (const _ of session.stdin ?? []);
    session.onResize((size) => sizes.push(size));
    await session.finish(success);
  };
  await talk('stdin=true&stdout=true&tty=true', ['v5.channel.k8s.io'], (client) => {
    client.resize({ width: -1, height: 0 });
    client.resize({ width: 80, height: 24 });
    client.closeStdin();
  });
  assert.deepEqual(sizes, [{ width: 80, height: 24 }]);
});

test('a client that goes away aborts the session', async () => {
  const aborted = new Promise<void>((resolve) => {
    serve = async (session) => session.signal.addEventListener('abort', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const client = await connectChannels(`ws://127.0.0.1:${port}/exec?stdout=1`, { onFrame: () => undefined });
  assert.equal(client.protocol, 'v5.channel.k8s.io');
  client.close();
  await aborted;
});

test('a size that makes no sense is no size', () => {
  for (const text of ['not json', '{}', '{"Width":-1,"Height":1}', '{"Width":"8","Height":1}']) {
    assert.equal(parseResize(Buffer.from(text)), undefined, text);
  }
});

test('no protocol in common is refused with 400', async () => {
  await assert.rejects(
    talk('stdout=1', ['v9.channel.k8s.io'], () => undefined),
    /400/,
  );
});
