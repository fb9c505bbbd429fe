import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Session } from 'node:http2';
import { test } from 'node:test';
import { easeStreamTables } from './stream-tables.ts';

test('this Node has its tables of streams where they are looked for, and works with others', async (t) => {
  const server = http2.createServer((_request, response) => response.end('answered'));
  const eased: boolean[] = [];
  server.on('session', (session: ServerHttp2Session) => eased.push(easeStreamTables(session)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  for (let i = 0; i < 200; i++) {
    const stream = client.request().setEncoding('utf8');
    const [text] = (await once(stream, 'data')) as [string];
    assert.equal(text, 'answered');
    stream.resume();
    await once(stream, 'close');
  }
  assert.deepEqual(eased, [true]);
});
