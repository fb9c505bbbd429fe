import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { frameOf } from './message-reader.ts';
import { echoServer, STATUS_BYTES } from './testing/echo-server.ts';
import { connectRaw, rawCall } from './testing/raw-call.ts';
import {
  connectSocket,
  END_HEADERS,
  END_STREAM,
  FrameType,
  PREFACE,
  rawFrame,
  rawHeaders,
  requestHeaders,
  untilClosed,
} from './testing/raw-frames.ts';

const RANGE = '/etcdserverpb.KV/Range';
const SETTINGS = rawFrame(FrameType.SETTINGS, 0, 0);

describe('a gRPC server lives on', () => {
  const { server, events } = echoServer({ receiveBytesMax: 100_000, greetingTimeoutMs: 200 });
  let port: number;
  before(async () => {
    port = await server.listen('127.0.0.1:0');
  });
  after(() => server.stop(0));

  /** It answers somebody else. */
  async function assertLives(): Promise<void> {
    const session = await connectRaw(`http://127.0.0.1:${port}`);
    assert.equal((await rawCall(session, { path: RANGE })).status, '0');
    session.destroy();
  }

  async function hangsUpOn(...pieces: readonly Uint8Array[]): Promise<Buffer> {
    const socket = await connectSocket(port);
    for (const piece of pieces) socket.write(piece);
    const received = await untilClosed(socket);
    await assertLives();
    return received;
  }

  test('after garbage, and after a client that says nothing', async () => {
    await hangsUpOn(Buffer.from('hello, is this telnet?\r\n'));
    await hangsUpOn(Buffer.alloc(100_000, 0xff));
    await hangsUpOn(PREFACE, Buffer.alloc(1000, 0xff));
    await hangsUpOn();
    await hangsUpOn(PREFACE.subarray(0, 10));
    // Greets as Go does, and then does not acknowledge what the server has said.
    await hangsUpOn(PREFACE, SETTINGS);
  });

  test('after frames that break the protocol', async () => {
    const headers = requestHeaders(RANGE);
    const bad: Record<string, Buffer> = {
      'data on stream 0': rawFrame(FrameType.DATA, 0, 0, Buffer.alloc(5)),
      'a frame larger than agreed': rawFrame(FrameType.DATA, 0, 1, Buffer.alloc(20_000)),
      'an even stream': rawFrame(FrameType.HEADERS, END_HEADERS, 2, headers),
      'a ping of five bytes': rawFrame(FrameType.PING, 0, 0, Buffer.alloc(5)),
      'settings of five bytes': rawFrame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5)),
      'headers that are no HPACK': rawFrame(FrameType.HEADERS, END_HEADERS, 1, Buffer.alloc(50, 0xff)),
      'a continuation of nothing': rawFrame(FrameType.CONTINUATION, END_HEADERS, 1, headers),
      'a window that overflows': rawFrame(FrameType.WINDOW_UPDATE, 0, 0, Buffer.of(0x7f, 255, 255, 255)),
    };
    for (const [name, frame] of Object.entries(bad)) {
      const received = await hangsUpOn(PREFACE, SETTINGS, frame);
      assert.ok(received.includes(rawFrame(FrameType.GOAWAY, 0, 0).subarray(3, 9)), `GOAWAY for ${name}`);
    }
  });

  test('after headers without end', async () => {
    const huge = rawHeaders({ 'x-large': 'x'.repeat(16_000) });
    const flood = Array.from({ length: 50 }, () => rawFrame(FrameType.CONTINUATION, 0, 1, huge));
    await hangsUpOn(PREFACE, SETTINGS, rawFrame(FrameType.HEADERS, 0, 1, requestHeaders(RANGE)), ...flood);
  });

  test('after clients that vanish in the middle of anything', async () => {
    const whole = Buffer.concat([
      PREFACE,
      SETTINGS,
      rawFrame(FrameType.HEADERS, END_HEADERS, 1, requestHeaders(RANGE)),
      rawFrame(FrameType.DATA, END_STREAM, 1, frameOf(Buffer.from([10, 1, 65]))),
    ]);
    for (let length = 1; length < whole.length; length += 7) {
      const socket = await connectSocket(port);
      await new Promise((resolve) => socket.write(whole.subarray(0, length), resolve));
      if (length % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    await assertLives();
  });

  test('after floods of pings and settings that nobody reads the answers of', async () => {
    for (const frame of [rawFrame(FrameType.PING, 0, 0, Buffer.alloc(8)), SETTINGS]) {
      const socket = await connectSocket(port);
      socket.pause();
      socket.write(PREFACE);
      const flood = Buffer.concat(Array.from({ length: 2000 }, () => frame));
      for (let i = 0; i < 20 && !socket.destroyed; i++) {
        await Promise.race([
          new Promise((resolve) => socket.write(flood, resolve)),
          new Promise((resolve) => setTimeout(resolve, 100)),
        ]);
      }
      await assertLives();
      socket.destroy();
    }
  });

  test('after streams that are reset as fast as they are opened', async () => {
    const socket = await connectSocket(port);
    const received = untilClosed(socket);
    socket.write(Buffer.concat([PREFACE, SETTINGS]));
    const headers = requestHeaders('/etcdserverpb.KV/Put');
    const body = rawFrame(FrameType.DATA, END_STREAM, 0, frameOf(Buffer.alloc(0))).subarray(9);
    for (let id = 1; id < 40_000 && !socket.destroyed; id += 2) {
      const isTaken = socket.write(
        Buffer.concat([
          rawFrame(FrameType.HEADERS, END_HEADERS, id, headers),
          rawFrame(FrameType.DATA, END_STREAM, id, body),
          rawFrame(FrameType.RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8)),
        ]),
      );
      if (!isTaken) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }
    // It is hung up on; the word of it (GOAWAY) may be lost on a connection that is still being written to.
    await received;
    await assertLives();
  });

  test('after a few thousand frames of nonsense', async () => {
    const random = seededRandom(Number(process.env.SEED ?? 1));
    const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.int(256)));
    for (let connection = 0; connection < 150; connection++) {
      const socket = await connectSocket(port);
      socket.resume();
      socket.write(Buffer.concat([PREFACE, SETTINGS]));
      for (let i = 0; i < 20 && !socket.destroyed; i++) {
        const streamId = random.int(8);
        const sense = random.int(4);
        if (sense === 0)
          socket.write(rawFrame(FrameType.HEADERS, END_HEADERS, 1 + 2 * i, requestHeaders(RANGE)));
        else if (sense === 1)
          socket.write(
            rawFrame(FrameType.DATA, random.int(2), 1 + 2 * random.int(i + 1), bytes(random.int(40))),
          );
        else socket.write(rawFrame(random.int(12), random.int(256), streamId, bytes(random.int(60))));
      }
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
    }
    await assertLives();
  });

  test('with a client that asks for much and reads nothing, and holds little for it', async () => {
    events.length = 0;
    const session = await connectRaw(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    const calls = Array.from({ length: 200 }, () =>
      rawCall(session, { path: '/etcdserverpb.Maintenance/Status' }),
    );
    await eventually('the first calls', () => Promise.resolve(events.length > 0));
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Those that came at once, before anything was known of their answers.
    assert.ok(events.length <= 110, `${events.length} answers of ${STATUS_BYTES} bytes for one client`);
    await assertLives();
    session.settings({ initialWindowSize: 2 ** 20 });
    for (const { status } of await Promise.all(calls)) assert.equal(status, '0');
    assert.equal(events.length, 200);
    session.destroy();
  });

  test('with a message in the smallest of pieces', async () => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const body = frameOf(Buffer.concat([Buffer.from([10, 0xd0, 0x0f]), Buffer.alloc(2000, 'x')]));
    const answer = await rawCall(session, {
      path: RANGE,
      pieces: Array.from(body, (byte) => Buffer.of(byte)),
    });
    assert.equal(answer.status, '0');
    session.destroy();
  });
});
