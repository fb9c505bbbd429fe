import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { connect as connectNet } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '@kubelab/component-base/testing';
import { Channel } from '../channel.ts';
import { frameOf } from './message-reader.ts';
import {
  BLOB_BYTES,
  BLOB_COUNT,
  echoServer,
  rangeRequest,
  rangeResponse,
  services,
} from './testing/echo-server.ts';
import { connectRaw, messagesIn, type RawRequest, rawCall } from './testing/raw-call.ts';

const RANGE = '/etcdserverpb.KV/Range';
const PUT = '/etcdserverpb.KV/Put';
const DELETE = '/etcdserverpb.KV/DeleteRange';
const KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive';
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot';
const RECEIVE_BYTES_MAX = 100_000;

const keyed = (key: string): Buffer => frameOf(rangeRequest.encode({ key: Buffer.from(key) }));

describe('a gRPC server', () => {
  const { server, events } = echoServer({ receiveBytesMax: RECEIVE_BYTES_MAX });
  let session: ClientHttp2Session;
  let port: number;
  before(async () => {
    port = await server.listen('127.0.0.1:0');
    session = await connectRaw(`http://127.0.0.1:${port}`);
  });
  after(async () => {
    session.destroy();
    await server.stop(0);
  });
  const call = (request: RawRequest) => rawCall(session, request);
  const countOf = async (request: RawRequest): Promise<number> => {
    const answer = await call(request);
    assert.equal(answer.status, '0', answer.text);
    const [message] = messagesIn(answer.body);
    return rangeResponse.decode(message ?? Buffer.alloc(0)).count;
  };

  test('answers with headers, one message and trailers', async () => {
    const answer = await call({ path: RANGE, pieces: [keyed('abc')] });
    assert.equal(answer.headers[':status'], 200);
    assert.equal(answer.headers['content-type'], 'application/grpc');
    assert.equal(answer.status, '0');
    assert.equal(messagesIn(answer.body).length, 1);
    assert.equal(answer.resetCode, constants.NGHTTP2_NO_ERROR);
  });

  test('takes a message in many frames, and an empty one', async () => {
    const frame = keyed('x'.repeat(50));
    const pieces = Array.from(frame, (byte) => Buffer.of(byte));
    assert.equal(await countOf({ path: RANGE, pieces }), 50);
    assert.equal(await countOf({ path: RANGE, pieces: [keyed('')] }), 0);
    assert.equal(await countOf({ path: RANGE, pieces: [keyed('y'.repeat(90_000))] }), 90_000);
  });

  test('answers before the client has said its last', async () => {
    const answer = await call({ path: RANGE, pieces: [keyed('abc')], end: false });
    assert.equal(answer.status, '0');
  });

  test('inflates gzip, and refuses what it does not know', async () => {
    const frame = frameOf(gzipSync(rangeRequest.encode({ key: Buffer.alloc(70_000) })));
    frame[0] = 1;
    assert.equal(
      await countOf({ path: RANGE, headers: { 'grpc-encoding': 'gzip' }, pieces: [frame] }),
      70_000,
    );
    const bomb = frameOf(gzipSync(Buffer.alloc(50_000_000)));
    bomb[0] = 1;
    const burst = await call({ path: RANGE, headers: { 'grpc-encoding': 'gzip' }, pieces: [bomb] });
    assert.equal(burst.status, '8');
    const unknown = await call({ path: RANGE, headers: { 'grpc-encoding': 'snappy' } });
    assert.equal(unknown.status, '12');
    assert.equal(unknown.headers['grpc-accept-encoding'], 'identity,gzip');
  });

  test('gives each mistake its status', async () => {
    const oversize = Buffer.alloc(RECEIVE_BYTES_MAX + 10);
    const cases: [RawRequest, string, RegExp][] = [
      [{ path: '/etcdserverpb.KV/Nothing' }, '12', /unknown method Nothing for service etcdserverpb.KV/],
      [{ path: '/nothing.Here/Range' }, '12', /unknown service nothing.Here/],
      [{ path: '/' }, '12', /malformed method name: "\/"/],
      [
        { path: RANGE, pieces: [frameOf(Buffer.from([0xff, 0xff]))] },
        '13',
        /^grpc: error unmarshalling request: unexpected EOF$/,
      ],
      [{ path: RANGE, pieces: [] }, '2', /^EOF$/],
      [{ path: RANGE, pieces: [Buffer.of(0, 0, 0, 0, 9, 1)] }, '2', /unexpected EOF/],
      [{ path: RANGE, pieces: [frameOf(oversize)] }, '8', /larger than max \(100010 vs. 100000\)/],
      [{ path: RANGE, headers: { 'grpc-timeout': '0n' } }, '4', /context deadline exceeded/],
      [{ path: RANGE, headers: { 'grpc-timeout': 'soon' } }, '13', /malformed grpc-timeout/],
      [{ path: SNAPSHOT, pieces: [] }, '2', /^EOF$/],
      [
        { path: KEEP_ALIVE, pieces: [frameOf(Buffer.from([0xff]))] },
        '13',
        /failed to unmarshal the received message unexpected EOF/,
      ],
      [{ path: DELETE, pieces: [keyed('ä 100% gone\n')] }, '5', /^ä 100% gone\n$/],
    ];
    for (const [request, status, text] of cases) {
      const answer = await call(request);
      assert.equal(answer.status, status, `${request.path} ${answer.text}`);
      assert.match(answer.text, text);
      assert.equal(answer.headers[':status'], 200);
    }
  });

  test('answers what is no gRPC with an HTTP status', async () => {
    const wrongType = await call({ path: RANGE, headers: { 'content-type': 'application/json' } });
    assert.equal(wrongType.headers[':status'], 415);
    const wrongMethod = await call({ path: RANGE, headers: { ':method': 'GET' }, pieces: [] });
    assert.equal(wrongMethod.headers[':status'], 405);
  });

  test('ends a call whose time is over, and tells its handler', async () => {
    events.length = 0;
    const answer = await call({ path: PUT, headers: { 'grpc-timeout': '30m' } });
    assert.equal(answer.status, '4');
    assert.deepEqual(events, ['put aborted']);
  });

  test('tells handlers of a client that has cancelled, or is gone', async () => {
    events.length = 0;
    const open = async (via: ClientHttp2Session, path: string): Promise<ClientHttp2Stream> => {
      const stream = via.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.write(frameOf(Buffer.alloc(0)), resolve));
      return stream;
    };
    const put = await open(session, PUT);
    put.close(constants.NGHTTP2_CANCEL);
    await eventually('the cancellation', () => Promise.resolve(events.includes('put aborted')));
    const other = await connectRaw(`http://127.0.0.1:${port}`);
    const keepAlive = await open(other, KEEP_ALIVE);
    await once(keepAlive, 'data');
    other.destroy();
    await eventually('the loss', () => Promise.resolve(events.includes('keep-alive cut off')));
  });

  test('carries messages both ways on one stream', async () => {
    events.length = 0;
    const pieces = [1, 2, 300].map((id) => frameOf(Buffer.from([8, id & 0x7f])));
    const answer = await call({ path: KEEP_ALIVE, pieces: [Buffer.concat(pieces), ...pieces] });
    assert.equal(answer.status, '0');
    assert.equal(messagesIn(answer.body).length, 6);
    assert.deepEqual(events, ['keep-alive ended']);
  });

  test('waits for a client that reads slowly, and gives it everything', async () => {
    events.length = 0;
    const channel = new Channel(`http://127.0.0.1:${port}`);
    const stream = channel.serverStream<{ blob: Uint8Array }>(services.maintenance, 'Snapshot', {});
    const [first] = (await once(stream, 'data')) as [{ blob: Uint8Array }];
    stream.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(events.length < BLOB_COUNT, `${events.length} blobs ahead of the client`);
    let bytes = first.blob.length;
    stream.on('data', ({ blob }) => (bytes += blob.length));
    stream.resume();
    await once(stream, 'end');
    assert.equal(bytes, BLOB_BYTES * BLOB_COUNT);
    channel.close();
  });

  test('answers pings', async () => {
    await new Promise<void>((resolve, reject) => {
      session.ping((error) => (error === null ? resolve() : reject(error)));
    });
  });
});

test('a server that stops sends clients away, lets calls finish for a while, then cuts them off', async () => {
  const { server, events } = echoServer();
  const session = await connectRaw(`http://127.0.0.1:${await server.listen('127.0.0.1:0')}`);
  const left = once(session, 'goaway');
  const hanging = rawCall(session, { path: PUT });
  await rawCall(session, { path: RANGE });
  const stopped = server.stop(100);
  await left;
  await stopped;
  assert.equal((await hanging).status, undefined);
  assert.deepEqual(events, ['put aborted']);
});

test('a server without calls stops at once', async () => {
  const { server } = echoServer();
  const session = await connectRaw(`http://127.0.0.1:${await server.listen('127.0.0.1:0')}`);
  await rawCall(session, { path: RANGE });
  const startMs = performance.now();
  await server.stop(10_000);
  assert.ok(performance.now() - startMs < 2000);
  session.destroy();
});

test('a client that answers no ping is cut off', async () => {
  const { server } = echoServer({ keepaliveTimeMs: 50, keepaliveTimeoutMs: 50 });
  const port = await server.listen('127.0.0.1:0');
  const session = await connectRaw(`http://127.0.0.1:${port}`);
  const mute = connectNet(port, '127.0.0.1');
  // The preface, and empty settings.
  mute.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)]),
  );
  mute.resume();
  await once(mute, 'end');
  assert.equal((await rawCall(session, { path: RANGE })).status, '0');
  session.destroy();
  await server.stop(0);
});

test('a client that pings more often than allowed is sent away', async () => {
  const { server } = echoServer({ pingTimeMinMs: 5000 });
  const session = await connectRaw(`http://127.0.0.1:${await server.listen('127.0.0.1:0')}`);
  const goaway = once(session, 'goaway');
  const hanging = rawCall(session, { path: PUT });
  for (let i = 0; i < 5 && !session.destroyed; i++) {
    await new Promise((resolve) => session.ping(resolve) || resolve(undefined));
  }
  const [code, , why] = (await goaway) as [number, number, Buffer];
  assert.equal(code, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(String(why), 'too_many_pings');
  await hanging;
  await server.stop(0);
});

test('requests that are no gRPC go to the hook, by HTTP/1.1 and by HTTP/2, on the same port', async () => {
  const { server } = echoServer({
    onHttp: (request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(`${request.httpVersion} ${request.method} ${request.url}`);
    },
  });
  const port = await server.listen('127.0.0.1:0');
  const response = await fetch(`http://127.0.0.1:${port}/health`);
  assert.equal(await response.text(), '1.1 GET /health');
  const session = await connectRaw(`http://127.0.0.1:${port}`);
  const viaHttp2 = await rawCall(session, {
    path: '/health',
    headers: { ':method': 'GET', 'content-type': 'text/plain' },
    pieces: [],
  });
  assert.equal(viaHttp2.body.toString(), '2.0 GET /health');
  assert.equal((await rawCall(session, { path: RANGE })).status, '0');
  session.destroy();
  await server.stop(0);
});

test('HTTP/1.1 is hung up on where nobody serves it', async () => {
  const { server } = echoServer();
  const port = await server.listen('127.0.0.1:0');
  const request = http.get({ port, host: '127.0.0.1' });
  const [error] = (await once(request, 'error')) as [Error];
  assert.match(error.message, /socket hang up|ECONNRESET/);
  await server.stop(0);
});
