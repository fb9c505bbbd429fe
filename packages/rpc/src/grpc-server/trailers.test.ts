import assert from 'node:assert/strict';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { OK_TRAILERS, sendTrailers } from './trailers.ts';

/** The chunks of the raw answer to one request, and what an HTTP/2 client makes of it. */
async function answered(send: typeof sendTrailers) {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('wantTrailers', () => send(stream, OK_TRAILERS));
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream._write(Buffer.from('message'), 'buffer' as BufferEncoding, () => undefined);
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const chunks: Buffer[] = [];
  const between = net.createServer((near) => {
    const far = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    far.on('data', (chunk: Buffer) => chunks.push(chunk));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const client = http2.connect(`http://127.0.0.1:${(between.address() as AddressInfo).port}`);
  const request = client.request({ ':path': '/' });
  let body = '';
  let trailers: http2.IncomingHttpHeaders = {};
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('trailers', (headers) => (trailers = headers));
  await new Promise((resolve) => request.on('close', resolve));
  client.close();
  between.close();
  server.close();
  const status = trailers['grpc-status'];
  return { body, status, isInOne: chunks.some((chunk) => chunk.includes('message') && endsStream(chunk)) };
}

/** Whether it ends with a HEADERS frame that ends the stream: flags END_STREAM and END_HEADERS, one indexed header. */
function endsStream(chunk: Buffer): boolean {
  for (let at = 0; at + 9 <= chunk.length; at += 9 + chunk.readUIntBE(at, 3))
    if (chunk[at + 3] === 1 && chunk[at + 4] === 5) return true;
  return false;
}

test('a message and the status of success leave in one write', async () => {
  assert.deepEqual(await answered(sendTrailers), { body: 'message', status: '0', isInOne: true });
});

/** The stream without what leads to its side in C++. */
function withoutHandle(stream: ServerHttp2Stream): ServerHttp2Stream {
  return new Proxy(stream, {
    get(target, key) {
      if (typeof key === 'symbol' && key.description === 'kHandle') return undefined;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('on a Node that keeps its side of a stream elsewhere, they leave in two', async () => {
  const elsewhere: typeof sendTrailers = (stream, trailers) => sendTrailers(withoutHandle(stream), trailers);
  assert.deepEqual(await answered(elsewhere), { body: 'message', status: '0', isInOne: false });
});

test('so does another status', async () => {
  const other: typeof sendTrailers = (stream) => sendTrailers(stream, { 'grpc-status': '5' });
  assert.deepEqual(await answered(other), { body: 'message', status: '5', isInOne: false });
});
