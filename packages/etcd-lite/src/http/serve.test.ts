import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { requestListener } from './serve.ts';

test('an answer that its client reads slowly leaves no listeners behind for each pause', async (t) => {
  const PIECES = 40;
  const piece = 'x'.repeat(512 * 1024);
  async function* body(): AsyncGenerator<string> {
    for (let i = 0; i < PIECES; i++) {
      await new Promise(setImmediate);
      yield piece;
    }
  }
  const response = { status: 200, headers: {}, body: body() };
  const listen = requestListener(() => Promise.resolve(response), silentLogger);
  let answer: ServerResponse | undefined;
  const server = createServer((incoming, outgoing) => {
    answer = outgoing;
    listen(incoming, outgoing);
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  let most = 0;
  let bytes = 0;
  socket.on('data', (data: Buffer) => {
    bytes += data.length;
    most = Math.max(most, answer?.listenerCount('close') ?? 0);
  });
  await eventually('all of it', () => bytes > PIECES * piece.length);
  socket.destroy();
  assert.ok(most < 8, `${most} listeners`);
});
