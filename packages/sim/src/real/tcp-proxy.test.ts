import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { platform } from 'node:os';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { type Mood, TcpProxy, type Way } from './tcp-proxy.ts';
import { holderOf } from './who-connects.ts';

const PASS: Mood = { type: 'pass' };

describe('the proxy between members', () => {
  let server: Server;
  let proxy: TcpProxy;
  let socket: Socket;
  let received = '';
  const moods: Record<Way, Mood> = { there: PASS, back: PASS };

  beforeEach(async () => {
    Object.assign(moods, { there: PASS, back: PASS });
    received = '';
    // Says everything back.
    server = createServer((peer) => {
      peer.on('error', () => undefined);
      peer.pipe(peer);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address !== 'string');
    proxy = await TcpProxy.listen({
      target: `http://127.0.0.1:${address.port}`,
      nameOf: () => Promise.resolve('me'),
      moodOf: (_, way) => moods[way],
    });
    socket = await open();
  });
  afterEach(() => {
    socket.destroy();
    proxy.close();
    server.close();
  });

  async function open(): Promise<Socket> {
    const { hostname, port } = new URL(proxy.url);
    const opened = connect(Number(port), hostname);
    opened.on('error', () => undefined);
    opened.on('data', (bytes: Buffer) => (received += bytes.toString()));
    await once(opened, 'connect');
    return opened;
  }

  function set(way: Way, mood: Mood): void {
    moods[way] = mood;
    proxy.update();
  }

  test('passes on what it gets', async () => {
    socket.write('hello');
    await eventually('the echo', () => received === 'hello');
  });

  for (const way of ['there', 'back'] as const) {
    test(`holds back what goes ${way} while that way is a black hole, and loses nothing`, async () => {
      socket.write('a');
      await eventually('the echo', () => received === 'a');
      set(way, { type: 'blackhole' });
      socket.write('b');
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(received, 'a');
      set(way, PASS);
      await eventually('the rest', () => received === 'ab');
    });
  }

  test('delays, and keeps the order when the delay ends', async () => {
    set('there', { type: 'delay', delayMs: 80 });
    const startMs = performance.now();
    socket.write('slow ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    set('there', PASS);
    socket.write('fast');
    await eventually('both', () => received === 'slow fast');
    assert.ok(performance.now() - startMs >= 80);
  });

  test('drops connections, and takes no new ones', async () => {
    const closed = once(socket, 'close');
    set('there', { type: 'drop' });
    await closed;
    const second = await open();
    await once(second, 'close');
  });

  const skip = platform() !== 'linux' && 'needs /proc';
  test('whoever connects is found by the port', { skip }, async () => {
    assert.equal(await holderOf(socket.localPort ?? 0, [1, process.pid]), process.pid);
    assert.equal(await holderOf(socket.localPort ?? 0, []), undefined);
    assert.equal(await holderOf(1, [process.pid]), undefined);
  });
});
