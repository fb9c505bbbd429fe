import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import type { Service } from '@kubelab/api';
import { silentLogger } from '@kubelab/component-base';
import { decode, encode } from 'dns-packet';
import { FrameReader, frame } from './frames.ts';
import { DnsServer } from './server.ts';

const web: Service = {
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { clusterIP: '10.96.0.7', type: 'ClusterIP', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
};
const alias: Service = {
  ...web,
  spec: { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' },
};
const big: Service = { metadata: { ...web.metadata, name: 'big' }, spec: { ...web.spec, clusterIP: 'None' } };

suite('DNS server', () => {
  const known: Record<string, Service> = { web, alias, big };
  const server = new DnsServer({
    address: '127.0.0.1',
    port: 0,
    view: {
      service: (_, name) => known[name],
      slices: (_, name) =>
        name !== 'big'
          ? []
          : [
              {
                metadata: web.metadata,
                addressType: 'IPv4',
                endpoints: Array.from({ length: 100 }, (_each, i) => ({ addresses: [`10.244.0.${i}`] })),
              },
            ],
      hasNamespace: () => true,
    },
    respond: {
      domain: 'cluster.local',
      ttl: 5,
      reverse: (address) => (address === '10.96.0.7' ? 'web.default.svc.cluster.local' : undefined),
    },
    upstream: [],
    log: silentLogger,
  });
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  before(async () => {
    await server.start();
    resolver.setServers([`127.0.0.1:${server.port}`]);
  });
  after(() => server.stop());

  test('a resolver finds addresses, ports and reverse names', async () => {
    assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.7']);
    assert.equal((await resolver.resolveSrv('_http._tcp.web.default.svc.cluster.local'))[0]?.port, 80);
    assert.deepEqual(await resolver.reverse('10.96.0.7'), ['web.default.svc.cluster.local']);
  });

  test('an unknown name does not exist; without upstream servers other domains fail', async () => {
    await assert.rejects(resolver.resolve4('nope.default.svc.cluster.local'), { code: 'ENOTFOUND' });
    await assert.rejects(resolver.resolve4('example.org'), { code: 'ESERVFAIL' });
    await assert.rejects(resolver.resolve6('web.default.svc.cluster.local'), { code: 'ENODATA' });
  });

  test('an ExternalName comes with the addresses of its target', async () => {
    assert.deepEqual(await resolver.resolve4('alias.default.svc.cluster.local'), ['10.96.0.7']);
  });

  test('what does not fit a datagram is truncated there and whole over TCP', async () => {
    const query = encode({
      type: 'query',
      id: 7,
      questions: [{ type: 'A', name: 'big.default.svc.cluster.local' }],
    });
    const datagram = await new Promise<Buffer>((resolve) => {
      const socket = createSocket('udp4', (message) => {
        socket.close();
        resolve(message);
      });
      socket.send(query, server.port, '127.0.0.1');
    });
    assert.equal(decode(datagram).flag_tc, true);
    const whole = await new Promise<Uint8Array>((resolve) => {
      const reader = new FrameReader();
      const socket = connect(server.port, '127.0.0.1', () => socket.write(frame(query)));
      socket.on('data', (data) => {
        for (const message of reader.push(data)) {
          socket.destroy();
          resolve(message);
        }
      });
    });
    assert.equal(decode(Buffer.from(whole)).answers?.length, 100);
  });

  test('garbage is passed over and the server lives', async () => {
    const socket = createSocket('udp4');
    for (const bytes of ['', '\0', 'x'.repeat(600)]) socket.send(bytes, server.port, '127.0.0.1');
    await new Promise<void>((resolve) => socket.close(resolve));
    assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.7']);
  });
});
