import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { frameOf } from '../grpc-server/message-reader.ts';
import { GrpcServer } from '../grpc-server/server.ts';
import { freePort } from '../testing/index.ts';
import { acceptMessages, refuseUpgrade, type Upgrade } from './accept.ts';
import { MessageStream } from './client.ts';
import type { MessageSocket } from './message-socket.ts';

const PROTOCOL = 'test-messages';
const MESSAGE_BYTES_MAX = 1024 * 1024;

/** A server that takes every stream, and what it has heard. */
async function listener(t: TestContext, idleTimeoutMs = 5000) {
  const heard: string[] = [];
  const ended: Error[] = [];
  const callers: (string | undefined)[] = [];
  const sockets: MessageSocket[] = [];
  const server = new GrpcServer({
    onUpgrade: (upgrade) => {
      callers.push(upgrade.request.headers['who-calls']?.toString());
      const socket = acceptMessages(upgrade, {
        protocol: PROTOCOL,
        receiveBytesMax: MESSAGE_BYTES_MAX,
        idleTimeoutMs,
        onMessage: (bytes) => heard.push(Buffer.from(bytes).toString()),
        onEnd: (error) => ended.push(error),
      });
      sockets.push(socket);
    },
  });
  t.after(() => server.stop(0));
  return { server, url: await urlOf(server), heard, ended, callers, sockets };
}

async function urlOf(server: GrpcServer): Promise<string> {
  return `http://127.0.0.1:${await server.listen('127.0.0.1:0')}`;
}

/** What became of the stream. */
function speaker(t: TestContext, url: string, keepaliveTimeMs = 100) {
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const roundTripsMs: number[] = [];
  let openCount = 0;
  const stream = new MessageStream({
    url,
    tls: undefined,
    path: '/messages',
    protocol: PROTOCOL,
    headers: { 'who-calls': 'me' },
    keepaliveTimeMs,
    onOpen: () => openCount++,
    onRoundTrip: (ms) => roundTripsMs.push(ms),
    onEnd: resolve,
  });
  t.after(() => stream.cancel());
  const say = (text: string): void => stream.write(frameOf(Buffer.from(text)));
  return { stream, ended, roundTripsMs, say, opened: () => eventually('open', () => openCount === 1) };
}

test('messages arrive in order, also those written before there is a connection, and those that fill it', async (t) => {
  const { url, heard, callers } = await listener(t);
  const { stream, say, opened } = speaker(t, url);
  const said = Array.from({ length: 300 }, (_, i) => `${i}`);
  for (const text of said.slice(0, 100)) say(text);
  await opened();
  for (const text of said.slice(100)) say(text);
  const long = 'x'.repeat(MESSAGE_BYTES_MAX);
  say(long);
  await eventually('all of them', () => heard.length === 301);
  assert.deepEqual(heard, [...said, long]);
  assert.deepEqual(callers, ['me']);
  assert.equal(
    stream.sentBytes,
    [...said, long].reduce((sum, text) => sum + 5 + text.length, 0),
  );
  assert.equal(stream.bufferedBytes, 0);
});

test('what a refusing server says ends the stream', async (t) => {
  const server = new GrpcServer({ onUpgrade: (upgrade) => refuseUpgrade(upgrade, 410, 'not you, ä') });
  t.after(() => server.stop(0));
  assert.equal((await speaker(t, await urlOf(server)).ended).message, 'not you, ä');
});

test('pings that are answered keep a stream, however quiet; the server takes none for a message', async (t) => {
  const { url, heard, sockets } = await listener(t);
  const { roundTripsMs } = speaker(t, url, 20);
  await eventually('some pings', () => roundTripsMs.length >= 5);
  assert.deepEqual(heard, []);
  assert.equal(sockets.length, 1);
  assert.ok(roundTripsMs.every((ms) => ms >= 0 && ms < 5000));
});

test('a client that falls silent is given up', async (t) => {
  const { url, ended, sockets } = await listener(t, 50);
  speaker(t, url, 60_000);
  await eventually('the end', () => ended.length === 1);
  assert.equal(ended[0]?.message, 'the other side has fallen silent');
  assert.equal(sockets.length, 1);
});

test('a server that is not there, stops, hangs up or never answers ends the stream', async (t) => {
  await speaker(t, `http://127.0.0.1:${await freePort()}`).ended;

  const stopping = await listener(t);
  const first = speaker(t, stopping.url);
  await first.opened();
  await stopping.server.stop(0);
  await first.ended;

  const rude = await listener(t);
  const second = speaker(t, rude.url);
  await second.opened();
  rude.sockets[0]?.destroy();
  assert.equal((await second.ended).message, 'the stream was cut off');
  assert.deepEqual(rude.ended, [], 'who destroys it knows');

  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const third = speaker(t, `http://127.0.0.1:${(mute.address() as AddressInfo).port}`);
  assert.equal((await third.ended).message, 'the server does not answer');
  for (const socket of sockets) socket.destroy();
  mute.close();
});

test('a server that stops answering pings ends the stream', async (t) => {
  const kept: Upgrade[] = [];
  const server = new GrpcServer({
    onUpgrade: (upgrade) => {
      kept.push(upgrade);
      upgrade.socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${PROTOCOL}\r\n\r\n`,
      );
    },
  });
  t.after(() => server.stop(0));
  assert.equal((await speaker(t, await urlOf(server)).ended).message, 'the server does not answer');
});

test('a message that is longer than allowed, or no message, ends the stream and nothing else', async (t) => {
  const { url, heard, ended } = await listener(t);
  const large = speaker(t, url);
  large.say('x'.repeat(MESSAGE_BYTES_MAX + 1));
  await eventually('the end', () => ended.length === 1);
  assert.match(ended[0]?.message ?? '', /larger than max/);
  const garbage = speaker(t, url);
  garbage.stream.write(Buffer.from([9, 0, 0, 0, 1, 0]));
  await eventually('the end', () => ended.length === 2);
  assert.match(ended[1]?.message ?? '', /unexpected payload format/);
  speaker(t, url).say('hello');
  await eventually('the third', () => heard.length > 0);
  assert.deepEqual(heard, ['hello']);
});

test('an ordinary request on such a port is told what is missing', async (t) => {
  const { url } = await listener(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  let answer = '';
  for await (const piece of socket) answer += String(piece);
  assert.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
});
