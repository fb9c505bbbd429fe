import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import { etcdServices } from '@kubelab/rpc/etcd';
import type { HttpResponse } from '../message.ts';
import type { Rpc } from '../rpc-table.ts';
import { type Asked, request, textOf } from '../testing/request.ts';
import { gateway } from './gateway.ts';

type Stream = ServerStream<{ ID: number }, object>;

/** A gateway to one RPC, which does what it is told. */
function serving(
  service: 'KV' | 'Lease' | 'Watch',
  name: string,
  made: { readonly kind: Rpc['kind']; readonly handler: (...args: never[]) => unknown },
) {
  const { path, requestDeserialize, responseSerialize } = must(etcdServices[service][name], name);
  const handler = made.handler as Rpc['handler'];
  const rpc = { kind: made.kind, handler, decode: requestDeserialize, encode: responseSerialize } as Rpc;
  const handle = gateway({ get: (asked) => (asked === path ? rpc : undefined) }, { requestBytesMax: 100 });
  return async (url: string, asked: Asked): Promise<HttpResponse> =>
    handle(request(url, { method: 'POST', ...asked }));
}

const keepAlive = (handler: (stream: Stream) => Promise<void>) =>
  serving('Lease', 'LeaseKeepAlive', { kind: 'bidi', handler });

suite('the gateway', () => {
  test('requests may come in pieces of any kind', async () => {
    const ask = serving('KV', 'Range', {
      kind: 'unary',
      handler: (range: object) => ({ count: 'key' in range ? 3 : 0 }),
    });
    const response = await ask('/v3/kv/range', { body: ['{"k', 'ey":"Zm', '9v"', '}'] });
    assert.equal(await textOf(response), '{"count":"3"}');
  });

  test('more than a request may have is refused before it is read', async () => {
    const ask = serving('KV', 'Range', { kind: 'unary', handler: () => assert.fail() });
    const response = await ask('/v3/kv/range', { body: ['{"key":"', 'x'.repeat(300)] });
    assert.equal(response.status, 429);
    assert.match(await textOf(response), /received message larger than max \(308 vs\. 200\)/);
  });

  test('metadata and the token come as headers', async () => {
    const seen: (string | undefined)[] = [];
    const ask = serving('KV', 'Range', {
      kind: 'unary',
      handler: (_range: object, call: Stream) => {
        seen.push(call.header('hasleader'), call.header('authorization'), call.header('token'));
        return {};
      },
    });
    await ask('/v3/kv/range', {
      headers: { 'grpc-metadata-hasleader': 'true', authorization: 't', token: 'x' },
    });
    assert.deepEqual(seen, ['true', 't', undefined]);
  });

  test('a stream answers a line for each, and its error last', async () => {
    const ask = keepAlive(async (stream) => {
      for await (const { ID } of stream) {
        if (ID === 3) throw new RpcError(StatusCode.UNAVAILABLE, 'etcdserver: no leader');
        stream.write({ ID });
      }
    });
    const response = await ask('/v3/lease/keepalive', { body: ['{"ID":1} {"I', 'D":"2"}{"ID":3}{"ID":4}'] });
    assert.equal(response.status, 200);
    assert.equal(
      await textOf(response),
      '{"result":{"ID":"1"}}\n{"result":{"ID":"2"}}\n' +
        '{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable"}}\n',
    );
  });

  test('an error before any answer is the answer', async () => {
    const ask = keepAlive(() => Promise.reject(new RpcError(StatusCode.UNAUTHENTICATED, 'no')));
    const response = await ask('/v3/lease/keepalive', { body: ['{"ID":1}'] });
    assert.equal(response.status, 401);
    assert.equal(await textOf(response), '{"error":"no","message":"no","code":16}');
    const broken = await ask('/v3/lease/keepalive', { body: ['{"ID":"x"}'] });
    assert.equal(broken.status, 400);
  });

  test('a client that leaves ends the stream, a body that ends does not', async () => {
    const leave = new AbortController();
    let isEnded = false;
    const ask = serving('Watch', 'Watch', {
      kind: 'bidi',
      handler: async (stream: Stream) => {
        stream.onMessage(() => stream.write({ created: true }));
        await stream.ended;
        isEnded = true;
      },
    });
    const { body } = await ask('/v3/watch', { body: ['{"create_request":{}}'], signal: leave.signal });
    const lines = (body as AsyncIterable<string>)[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, '{"result":{"created":true}}\n');
    assert.equal(isEnded, false);
    leave.abort();
    assert.equal((await lines.next()).done, true);
    assert.equal(isEnded, true);
  });

  test('a path without a function behind it is not implemented', async () => {
    const ask = serving('KV', 'Range', { kind: 'unary', handler: () => ({}) });
    const response = await ask('/v3/kv/put', {});
    assert.equal(response.status, 501);
    assert.match(await textOf(response), /unknown method Put for service etcdserverpb\.KV/);
  });
});
