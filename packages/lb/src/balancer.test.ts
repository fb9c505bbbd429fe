import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, suite, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { Balancer, parseAddress } from './balancer.ts';

suite('balancer', () => {
  const closers: (() => unknown)[] = [];
  afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

  /** A server that says its name and then echoes. */
  async function backend(name: string): Promise<{ server: Server; port: number }> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.write(`${name};`);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    return { server, port: (server.address() as AddressInfo).port };
  }
  async function balance(ports: readonly number[]): Promise<number> {
    const backends = ports.map((port) => ({ host: '127.0.0.1', port }));
    const listen = [{ host: '127.0.0.1', port: 0 }];
    const balancer = new Balancer({ listen, backends, connectTimeoutMs: 500, log: silentLogger });
    await balancer.start();
    closers.push(() => balancer.stop());
    return balancer.ports[0] ?? 0;
  }
  const talk = (port: number, text: string) =>
    new Promise<string>((resolve) => {
      let got = '';
      const socket = connect(port, '127.0.0.1', () => socket.end(text));
      socket
        .on('data', (data) => (got += String(data)))
        .on('close', () => resolve(got))
        .on('error', () => undefined);
    });

  test('connections go to the backends in turn, bytes and half-close pass both ways', async () => {
    const port = await balance([(await backend('a')).port, (await backend('b')).port]);
    assert.deepEqual([await talk(port, 'x'), await talk(port, 'y')].sort(), ['a;x', 'b;y']);
  });

  test('LB-1 a dead backend is skipped, and with none alive the connection closes', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const port = await balance([a.port, b.port]);
    a.server.close();
    for (let i = 0; i < 4; i++) assert.equal(await talk(port, 'z'), 'b;z');
    b.server.close();
    assert.equal(await talk(port, 'z'), '');
  });

  test('addresses are host:port, IPv6 in brackets', () => {
    assert.deepEqual(parseAddress('[::1]:6443'), { host: '::1', port: 6443 });
    for (const bad of ['a', 'a:b', 'a:99999', ':1']) assert.equal(parseAddress(bad), undefined, bad);
  });
});
