import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { kubeApiClient } from './kube-api-client.ts';
import type { WatchRequest, WatchResponse } from './kube-api.ts';
import { kubeApiServer } from './serve-kube-api.ts';
import { listen, stopServer } from './server.ts';
import { serverCredentials } from './tls.ts';

test('a call carries its fields there and back, and a watch stream both directions', async () => {
  const server = kubeApiServer({
    call: (request, peer) =>
      Promise.resolve({
        code: 200,
        body: Buffer.from(
          JSON.stringify({ ...request, body: String(request.body), auth: peer.authorization }),
        ),
        warnings: ['careful'],
      }),
    async watch(stream) {
      stream.on('data', ({ start }: WatchRequest) =>
        stream.write({ id: start?.id, type: 'ADDED', object: Buffer.from(start?.path ?? '') }),
      );
      await once(stream, 'end');
    },
  });
  const port = await listen(server, '127.0.0.1:0', serverCredentials(undefined));
  const client = kubeApiClient(`http://127.0.0.1:${port}`);

  const answer = await client.call(
    { verb: 'get', path: '/api/v1/nodes', query: 'limit=5', body: Buffer.from('hi') },
    { authorization: 'Bearer x' },
  );
  assert.equal(answer.code, 200);
  assert.deepEqual(answer.warnings, ['careful']);
  assert.deepEqual(JSON.parse(String(answer.body)), {
    verb: 'get',
    path: '/api/v1/nodes',
    query: 'limit=5',
    body: 'hi',
    auth: 'Bearer x',
  });

  const watch = client.watch();
  watch.write({ start: { id: 7, path: '/api/v1/pods', query: '' } });
  const [event] = (await once(watch, 'data')) as [WatchResponse];
  assert.deepEqual([event.id, event.type, String(event.object)], [7, 'ADDED', '/api/v1/pods']);
  watch.end();
  client.close();
  await stopServer(server, 200);
});
