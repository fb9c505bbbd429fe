import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { askGrpcHealth, frame } from './grpc-health.ts';

test('a gRPC server is asked for its health by name', async (context) => {
  const server = createServer();
  server.on('stream', (stream) => {
    const pieces: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => pieces.push(chunk));
    stream.on('end', () => {
      const isKnown = Buffer.concat(pieces).equals(frame('shop'));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isKnown ? '0' : '5' }));
      stream.end(isKnown ? Buffer.from([0, 0, 0, 0, 2, 0x08, 1]) : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(await askGrpcHealth('127.0.0.1', port, 'shop', 1_000), {
    ok: true,
    output: 'service healthy',
  });
  assert.match((await askGrpcHealth('127.0.0.1', port, 'other', 1_000)).output, /status code 5/);
  assert.equal((await askGrpcHealth('127.0.0.1', 1, '', 1_000)).ok, false);
});
