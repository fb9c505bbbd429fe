import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { createAuthority, issueCertificate, type KeyPair } from '@kubelab/pki';
import { Channel } from './channel.ts';
import { etcdServices } from './etcd/index.ts';
import { GrpcServer } from './grpc-server/server.ts';
import { acceptMessages } from './message-stream/accept.ts';
import { MessageStream } from './message-stream/client.ts';
import type { ClientTls, ServerTls } from './tls.ts';

interface Side {
  readonly server: ServerTls;
  readonly client: ClientTls;
}

/** Certificates of one CA for a server and a client that know each other by it. */
async function sideOf(name: string): Promise<Side> {
  const authority = await createAuthority(`${name}-ca`, Date.now());
  const issue = (usage: 'server' | 'client'): Promise<KeyPair> =>
    issueCertificate(
      authority,
      { commonName: name, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: [usage] },
      Date.now(),
    );
  const [server, client] = [await issue('server'), await issue('client')];
  return { server: { ...server, clientCa: authority.cert }, client: { ...client, ca: authority.cert } };
}

function serve(tls: ServerTls, port: number): Promise<{ server: GrpcServer; port: number }> {
  const server = new GrpcServer({
    onUpgrade: (upgrade) =>
      void acceptMessages(upgrade, {
        protocol: 'messages',
        receiveBytesMax: 1024,
        idleTimeoutMs: 5000,
        onMessage: () => undefined,
        onEnd: () => undefined,
      }),
  });
  server.addService(etcdServices.KV, { unary: { Range: () => ({ count: 1 }) } });
  return server.listen(`127.0.0.1:${port}`, tls).then((bound) => ({ server, port: bound }));
}

/** Resolves when a stream of messages has been accepted. */
function accepted(url: string, tls: ClientTls): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = new MessageStream({
      url,
      tls,
      path: '/',
      protocol: 'messages',
      headers: {},
      keepaliveTimeMs: 5000,
      onOpen: () => {
        stream.cancel();
        resolve();
      },
      onRoundTrip: () => undefined,
      onEnd: reject,
    });
  });
}

suite('certificates of a client that change', () => {
  test('are used from the next connection on, by channels and by streams', async () => {
    const [before, after] = [await sideOf('before'), await sideOf('after')];
    let now = before;
    const tls: ClientTls = { ...before.client, current: () => now.client };
    const first = await serve(before.server, 0);
    const url = `https://127.0.0.1:${first.port}`;
    const channel = new Channel(url, { tls });
    const ask = (): Promise<{ count: number }> =>
      channel.unary(etcdServices.KV, 'Range', { key: Buffer.from('a') }, { timeoutMs: 5000 });
    try {
      assert.equal((await ask()).count, 1);
      await accepted(url, tls);
      await first.server.stop(0);
      now = after;
      const second = await serve(after.server, first.port);
      try {
        assert.equal((await ask()).count, 1);
        await accepted(url, tls);
        await assert.rejects(accepted(url, before.client));
      } finally {
        await second.server.stop(0);
      }
    } finally {
      channel.close();
      await first.server.stop(0);
    }
  });

  test('of a server that made its own need not be verified, where that is said', async () => {
    const [own, other] = [await sideOf('own'), await sideOf('other')];
    const { server, port } = await serve({ cert: own.server.cert, key: own.server.key }, 0);
    const url = `https://127.0.0.1:${port}`;
    const channels = [true, false].map(
      (skipVerify) => new Channel(url, { tls: { ca: must(other.client.ca, 'ca'), skipVerify } }),
    );
    try {
      const [lax, strict] = channels.map((channel) =>
        channel.unary<{ count: number }>(etcdServices.KV, 'Range', {}, { timeoutMs: 2000 }),
      );
      await assert.rejects(must(strict, 'strict'));
      assert.equal((await must(lax, 'lax')).count, 1);
      await accepted(url, { ca: other.client.ca, skipVerify: true });
    } finally {
      for (const channel of channels) channel.close();
      await server.stop(0);
    }
  });
});
