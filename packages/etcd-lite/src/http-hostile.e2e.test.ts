import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const CLOSED = 'closed';
const PATIENCE_MS = 3000;

suite('HTTP from clients that mean harm, or nothing in particular', () => {
  let store: TestStore;
  let port: number;
  before(async () => {
    store = await must(targets.at(-1), 'ours').start();
    port = Number(new URL(store.endpoints[0] ?? '').port);
  });
  after(() => store.stop());

  /** The status of the answer, or that there was none. */
  function send(raw: string | Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(raw));
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error('no answer'));
      }, PATIENCE_MS);
      const done = (result: string): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(result);
      };
      socket.once('data', (data: Buffer) =>
        done(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1] ?? 'odd'),
      );
      socket.once('close', () => done(CLOSED)).once('error', () => done(CLOSED));
    });
  }

  const post = (path: string, body: string | Buffer, headers = ''): Buffer =>
    Buffer.concat([
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`,
      ),
      Buffer.from(body),
    ]);

  const cases: readonly (readonly [string, string | Buffer, string])[] = [
    ['no HTTP at all', '\u0000\u0001\u0002\r\n\r\n', '400'],
    ['a request line without an end', `GET /${'a'.repeat(100_000)}`, '431'],
    ['too many headers', `GET /health HTTP/1.1\r\n${'X-A: b\r\n'.repeat(20_000)}\r\n`, '431'],
    ['a path that leads nowhere', 'GET //evil/../../etc/passwd?%%% HTTP/1.1\r\nHost: x\r\n\r\n', '404'],
    ['a URL that is none', 'GET http://[::bad/health HTTP/1.1\r\nHost: x\r\n\r\n', '400'],
    ['a proxy’s request', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', CLOSED],
    ['a method nobody knows', 'BREW /health HTTP/1.1\r\nHost: x\r\n\r\n', '400'],
    [
      'two lengths',
      'POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
      '400',
    ],
    ['JSON nested deeper than anybody needs', post('/v3/kv/txn', '{"compare":'.repeat(50_000)), '400'],
    ['brackets for ever', post('/v3/kv/range', '['.repeat(1_000_000)), '400'],
    [
      'a number of a million digits',
      post('/v3/kv/range', `{"key":"YQ==","revision":${'9'.repeat(1_000_000)}}`),
      '400',
    ],
    ['a body beyond all limits', post('/v3/kv/put', `{"key":"${'A'.repeat(8_000_000)}"}`), '429'],
    ['bytes that are no text', post('/v3/kv/range', Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x7d])), '400'],
    ['names of every object', post('/v3/kv/range', '{"__proto__":{"key":"YQ=="},"constructor":1}'), '400'],
    [
      'a bad chunk',
      'POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '400',
    ],
    ['a stream of broken values', post('/v3/watch', '}}}}'.repeat(1000)), '400'],
    [
      'a wish for another protocol',
      'GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      '200',
    ],
  ];
  for (const [title, raw, expected] of cases) {
    test(`${title}: ${expected}`, async () => {
      assert.equal(await send(raw), expected);
      const health = await fetch(`${store.endpoints[0]}/health`);
      assert.equal(health.status, 200);
    });
  }

  test('a body that comes byte by byte costs no more than one at once', async () => {
    const body = `{"key":"${'QUFB'.repeat(50_000)}"}`;
    const startMs = performance.now();
    const response = await fetch(`${store.endpoints[0]}/v3/lease/keepalive`, {
      method: 'POST',
      // oxlint-disable-next-line require-await -- bytes have to come asynchronously, and these are there already
      body: (async function* () {
        for (let at = 0; at < body.length; at += 16) yield Buffer.from(body.slice(at, at + 16));
      })(),
      duplex: 'half',
    });
    await response.text();
    assert.ok(performance.now() - startMs < PATIENCE_MS);
  });
});
