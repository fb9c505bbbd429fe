/** Both transports against a small server of each wire: the same requests, the same answers. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { ConfigMap, errors, isStatus } from '@kubelab/api';
import { realClock, realRandom, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { kubeApiServer, type KubeWatchStream } from '@kubelab/rpc';
import { createClient } from '../kube-client.ts';
import type { WatchEvent } from '../types.ts';
import { TransportError } from './transport.ts';

interface Seen {
  method: string;
  path: string;
  query: string;
  contentType: string;
  authorization: string | undefined;
  body: string;
}
interface Wire {
  readonly url: string;
  readonly seen: Seen[];
  /** Sends one frame to every open watch. */
  send(type: string, object: unknown): void;
  endWatches(): void;
  readonly watchCount: () => number;
  /** Calls are taken and never answered, as by a process that was stopped. */
  hang(): void;
  stop(): Promise<void>;
}

function answerTo({ path, method }: Pick<Seen, 'path' | 'method'>): { code: number; body: unknown } {
  if (path.endsWith('/missing')) return { code: 404, body: errors.notFound(ConfigMap, 'missing').status };
  if (path.endsWith('/configmaps') && (method === 'GET' || method === 'list')) {
    return { code: 200, body: { items: [{ metadata: { name: 'ä' } }], metadata: { resourceVersion: '7' } } };
  }
  return { code: 200, body: { metadata: { name: 'a', resourceVersion: '1' }, data: { x: 'ß' } } };
}

async function restWire(): Promise<Wire> {
  const seen: Seen[] = [];
  const watches = new Set<http.ServerResponse>();
  let hangs = false;
  const server = http.createServer((request, response) => void handle(request, response));
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://x');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { headers, method = '' } = request;
    const { 'content-type': contentType = '', authorization } = headers;
    const query = search.slice(1);
    seen.push({ method, path: pathname, query, contentType, authorization, body });
    if (query.includes('watch=true')) {
      watches.add(response);
      response.on('close', () => watches.delete(response));
      response.writeHead(200).flushHeaders();
      return;
    }
    if (hangs) return;
    const answer = answerTo({ path: pathname, method });
    response.writeHead(answer.code).end(JSON.stringify(answer.body));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    send(type, object) {
      const line = Buffer.from(`${JSON.stringify({ type, object })}\n`);
      for (const watch of watches) {
        // Cut in the middle of a character, as a network may.
        const middle = line.indexOf(0xc3) + 1;
        watch.write(line.subarray(0, middle));
        watch.write(line.subarray(middle));
      }
    },
    endWatches: () => watches.forEach((watch) => watch.end()),
    watchCount: () => watches.size,
    hang: () => (hangs = true),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function grpcWire(): Promise<Wire> {
  const seen: Seen[] = [];
  const watches = new Map<number, KubeWatchStream>();
  let hangs = false;
  const server = kubeApiServer({
    async call({ verb, path, query, contentType, body }, call) {
      const authorization = call.header('authorization');
      seen.push({
        method: verb,
        path,
        query,
        contentType,
        authorization,
        body: Buffer.from(body).toString(),
      });
      if (hangs) await new Promise(() => undefined);
      const answer = answerTo({ path, method: verb });
      return { code: answer.code, body: Buffer.from(JSON.stringify(answer.body)), warnings: [] };
    },
    async watch(stream) {
      const authorization = stream.header('authorization');
      stream.onMessage(({ start, cancel }) => {
        if (cancel) watches.delete(cancel);
        if (!start) return;
        seen.push({
          method: 'watch',
          path: start.path,
          query: start.query,
          contentType: '',
          authorization,
          body: '',
        });
        watches.set(start.id, stream);
      });
      await stream.ended;
      watches.clear();
    },
  });
  const port = await server.listen('127.0.0.1:0');
  const line = await lineTo(port);
  return {
    url: `grpc://127.0.0.1:${line.port}`,
    seen,
    send: (type, object) =>
      watches.forEach((stream, id) =>
        stream.write({ id, type: type as 'ADDED', object: Buffer.from(JSON.stringify(object)) }),
      ),
    endWatches() {
      for (const [id, stream] of watches) stream.write({ id, type: 'CLOSED', object: Buffer.from('') });
      watches.clear();
    },
    watchCount: () => watches.size,
    hang: () => (hangs = true),
    async stop() {
      line.cut();
      await server.stop(0);
    },
  };
}

/**
 * A connection that can be cut, as by a server that dies: gRPC servers in the same process end politely
 * only.
 */
async function lineTo(port: number) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut };
}

for (const [name, open] of [
  ['REST', restWire],
  ['gRPC', grpcWire],
] as const) {
  describe(`over ${name}`, async () => {
    const wire = await open();
    const deps = { clock: realClock, random: realRandom, log: silentLogger };
    const client = createClient({ servers: [wire.url], token: 'secret', userAgent: 'tester/1' }, deps);
    after(async () => {
      client.close();
      await wire.stop();
    });
    const last = () => wire.seen.at(-1);

    test('a get is answered with the object, a refusal with ApiError', async () => {
      const map = await client.get(ConfigMap, { name: 'a', namespace: 'ns' });
      assert.equal(map.data?.['x'], 'ß');
      assert.equal(last()?.path, '/api/v1/namespaces/ns/configmaps/a');
      assert.equal(last()?.authorization, 'Bearer secret');
      await assert.rejects(client.get(ConfigMap, { name: 'missing', namespace: 'ns' }), (error) =>
        isStatus(error, 'NotFound'),
      );
    });

    test('a list carries its selectors, its items their kind', async () => {
      const list = await client.list(ConfigMap, { labelSelector: 'a in (b,c)', limit: 5 });
      assert.deepEqual(list.items, [{ metadata: { name: 'ä' }, apiVersion: 'v1', kind: 'ConfigMap' }]);
      assert.equal(new URLSearchParams(last()?.query).get('labelSelector'), 'a in (b,c)');
      assert.equal(last()?.path, '/api/v1/configmaps');
    });

    test('writes carry body, patch type, dry run and options', async () => {
      await client.create(
        ConfigMap,
        { metadata: { name: 'a', namespace: 'ns' }, data: { x: 'ß' } },
        { dryRun: true },
      );
      assert.deepEqual(JSON.parse(last()?.body ?? ''), {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'ns' },
        data: { x: 'ß' },
      });
      assert.match(last()?.query ?? '', /dryRun=All/);
      await client.patch(ConfigMap, { name: 'a', namespace: 'ns' }, { data: null }, { type: 'merge' });
      assert.equal(last()?.contentType, 'application/merge-patch+json');
      await client.delete(ConfigMap, { name: 'a', namespace: 'ns' }, { preconditions: { uid: 'u' } });
      assert.deepEqual(JSON.parse(last()?.body ?? ''), {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid: 'u' },
      });
    });

    test('a watch gives events in order, ends with the server, and leaves nothing when it is left', async () => {
      const events: WatchEvent<ConfigMap>[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        for await (const event of client.watch(ConfigMap, { signal: stop.signal, resourceVersion: '5' }))
          events.push(event);
      })();
      await eventually('the watch is open', () => wire.watchCount() === 1);
      for (let i = 0; i < 50; i++)
        wire.send('ADDED', { metadata: { name: `ä-${i}`, resourceVersion: String(i) } });
      wire.send('BOOKMARK', { metadata: { resourceVersion: '99' }, data: { ä: '' } });
      await eventually('all events', () => events.length === 51);
      assert.deepEqual(
        events.slice(0, 50).map((event) => event.type === 'ADDED' && event.object.metadata.name),
        Array.from({ length: 50 }, (_, i) => `ä-${i}`),
      );
      assert.deepEqual(events[50], { type: 'BOOKMARK', resourceVersion: '99' });
      wire.endWatches();
      await watching;

      const second = (async () => {
        for await (const _ of client.watch(ConfigMap, { signal: stop.signal })) assert.fail();
      })();
      await eventually('the second watch is open', () => wire.watchCount() === 1);
      stop.abort();
      await second;
      await eventually('the server was told', () => wire.watchCount() === 0);
    });

    test('an ERROR frame ends the watch with its ApiError', async () => {
      const watching = (async () => {
        for await (const _ of client.watch(ConfigMap)) assert.fail();
      })();
      const ended = assert.rejects(watching, (error) => isStatus(error, 'Expired'));
      await eventually('the watch is open', () => wire.watchCount() === 1);
      wire.send('ERROR', { ...errors.expired('too old: ä').status });
      await ended;
    });

    test('a server that dies ends watches and calls with TransportError; another takes over', async () => {
      const [first, second] = [await open(), await open()];
      const pair = createClient({ servers: [first.url, second.url], userAgent: 'tester/1' }, deps);
      const watching = (async () => {
        for await (const _ of pair.watch(ConfigMap)) assert.fail();
      })();
      const ended = assert.rejects(watching, TransportError);
      await eventually('the watch is open', () => first.watchCount() === 1);
      await first.stop();
      await ended;
      await pair.create(ConfigMap, { metadata: { name: 'a', namespace: 'ns' } });
      assert.equal(second.seen.length, 1);
      pair.close();
      await second.stop();
    });

    test('a server that hangs loses its watches as soon as a call finds out; a read is answered by the other', async () => {
      const [first, second] = [await open(), await open()];
      const pair = createClient({ servers: [first.url, second.url], userAgent: 'tester/1' }, deps);
      const watching = (async () => {
        for await (const _ of pair.watch(ConfigMap)) assert.fail();
      })();
      const ended = assert.rejects(watching, /server lost/);
      await eventually('the watch is open', () => first.watchCount() === 1);
      first.hang();
      await pair.get(ConfigMap, { name: 'a', namespace: 'ns' }, { timeoutMs: 400 });
      await ended;
      assert.equal(second.seen.length, 1);
      pair.close();
      await Promise.all([first.stop(), second.stop()]);
    });
  });
}
