import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { must } from '@kubelab/component-base';
import { freePort } from './testing/index.ts';
import { ClientStream } from './client-stream.ts';
import type { ServerStream } from './handlers.ts';
import { GrpcServer } from './grpc-server/server.ts';
import { services } from './grpc-server/testing/echo-server.ts';
import { RpcError, StatusCode } from './status.ts';

interface KeepAlive {
  readonly ID: number;
}
type Handler = (stream: ServerStream<KeepAlive, KeepAlive>) => Promise<void>;

async function serve(handler: Handler): Promise<{ server: GrpcServer; url: string }> {
  const server = new GrpcServer();
  server.addService(services.lease, { bidi: { LeaseKeepAlive: handler } });
  return { server, url: `http://127.0.0.1:${await server.listen('127.0.0.1:0')}` };
}

/** What came, and how it ended. */
function open(url: string): {
  stream: ClientStream<object, KeepAlive>;
  received: number[];
  ended: Promise<RpcError | undefined>;
} {
  const received: number[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<RpcError | undefined>();
  const stream = new ClientStream<object, KeepAlive>({
    url,
    tls: undefined,
    method: must(services.lease.LeaseKeepAlive, 'RPC'),
    metadata: { 'who-calls': 'me' },
    keepaliveTimeMs: 100,
    onMessage: ({ ID }) => received.push(ID),
    onEnd: resolve,
  });
  return { stream, received, ended };
}

test('messages go both ways, in order, also those written before there is a connection', async () => {
  const { server, url } = await serve(async (stream) => {
    assert.equal(stream.header('who-calls'), 'me');
    for await (const { ID } of stream) {
      stream.write({ ID });
      if (ID === 500) return;
    }
  });
  const { stream, received, ended } = open(url);
  for (let ID = 1; ID <= 500; ID++) stream.write({ ID });
  assert.equal(await ended, undefined);
  assert.deepEqual(
    received,
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
  await server.stop(0);
});

test('a status of the server ends it with that error', async () => {
  const { server, url } = await serve(() =>
    Promise.reject(new RpcError(StatusCode.FAILED_PRECONDITION, 'not you, ä')),
  );
  const error = await open(url).ended;
  assert.equal(error?.code, StatusCode.FAILED_PRECONDITION);
  assert.equal(error.details, 'not you, ä');
  await server.stop(0);
});

test('a server that is not there, dies, or says nothing ends it as UNAVAILABLE', async () => {
  const absent = await open(`http://127.0.0.1:${await freePort()}`).ended;
  assert.equal(absent?.code, StatusCode.UNAVAILABLE);

  const { server, url } = await serve((stream) => {
    stream.write({ ID: 1 });
    return stream.ended;
  });
  const dying = open(url);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(dying.received, [1], 'pings that are answered keep it');
  await server.stop(0);
  assert.equal((await dying.ended)?.code, StatusCode.UNAVAILABLE);

  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const unanswered = await open(`http://127.0.0.1:${(mute.address() as { port: number }).port}`).ended;
  assert.equal(unanswered?.code, StatusCode.UNAVAILABLE);
  for (const socket of sockets) socket.destroy();
  mute.close();
});
