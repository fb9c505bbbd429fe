import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { kubeApiClient } from './kube-api-client.ts';
import type { WatchResponse } from './kube-api.ts';
import { kubeApiServer } from './serve-kube-api.ts';

test('a call carries its fields there and back, and a watch stream both directions', async () => {
  const server = kubeApiServer({
    call: (request, call) =>
      Promise.resolve({
        code: 200,
        body: Buffer.from(
          JSON.stringify({ ...request, body: String(request.body), auth: call.header('authorization') }),
        ),
        warnings: ['careful'],
      }),
    async watch(stream) {
      stream.onMessage(({ start }) =>
        stream.write({ id: start?.id, type: 'ADDED', object: Buffer.from(start?.path ?? '') }),
      );
      await stream.ended;
    },
  });
  const port = await server.listen('127.0.0.1:0');
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
  await server.stop(200);
});
