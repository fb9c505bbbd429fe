import assert from 'node:assert/strict';
import https from 'node:https';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createAuthority, issueCertificate } from '@kubelab/pki';
import { Channel } from '../channel.ts';
import type { ServerTls } from '../tls.ts';
import { GrpcServer } from './server.ts';
import { rangeRequest, services } from './testing/echo-server.ts';
import { connectRaw, rawCall } from './testing/raw-call.ts';
import { frameOf } from './message-reader.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

describe('a gRPC server over TLS', () => {
  const seen: (string | undefined)[] = [];
  let ca: string;
  let serverPair: Pair;
  let otherServerPair: Pair;
  let alice: Pair;
  let mallory: Pair;
  let closeAll: (() => Promise<void>)[] = [];

  before(async () => {
    const nowMs = Date.now();
    const authority = await createAuthority('test-ca', nowMs);
    const stranger = await createAuthority('test-ca', nowMs);
    const loopback = { ipAddresses: ['127.0.0.1'], dnsNames: ['localhost'] };
    const issue = async (
      by: typeof authority,
      commonName: string,
      usage: 'server' | 'client',
    ): Promise<Pair> => issueCertificate(by, { commonName, ...loopback, usages: [usage] }, nowMs);
    ca = String(authority.cert);
    serverPair = await issue(authority, 'one', 'server');
    otherServerPair = await issue(authority, 'two', 'server');
    alice = await issue(authority, 'alice', 'client');
    mallory = await issue(stranger, 'alice', 'client');
  });
  after(async () => {
    for (const close of closeAll) await close();
    closeAll = [];
  });

  async function start(requireClientCert: boolean, more: Partial<ServerTls> = {}): Promise<number> {
    const server = new GrpcServer({
      onHttp: (request, response) => response.end(`${request.httpVersion} ${request.url}`),
    });
    server.addService(services.kv, {
      unary: {
        Range: (_request, call) => {
          seen.push(call.clientCommonName);
          assert.equal(
            call.clientCertificate?.subject,
            call.clientCommonName && `CN=${call.clientCommonName}`,
          );
          return {};
        },
      },
    });
    const port = await server.listen('127.0.0.1:0', {
      ...serverPair,
      clientCa: ca,
      requireClientCert,
      ...more,
    });
    closeAll.push(() => server.stop(0));
    return port;
  }
  const range = async (port: number, own: Pair | undefined): Promise<string | undefined> => {
    const session = await connectRaw(`https://localhost:${port}`, { ca, ...own });
    const request = frameOf(rangeRequest.encode({}));
    try {
      return (await rawCall(session, { path: '/etcdserverpb.KV/Range', pieces: [request] })).status;
    } finally {
      session.destroy();
    }
  };

  test('tells handlers the name in a certificate that verifies, and no other', async () => {
    const port = await start(false);
    seen.length = 0;
    assert.equal(await range(port, alice), '0');
    assert.equal(await range(port, undefined), '0');
    assert.equal(await range(port, mallory), '0');
    assert.deepEqual(seen, ['alice', undefined, undefined]);
  });

  test('refuses clients without a certificate that verifies, where one is required', async () => {
    const port = await start(true);
    seen.length = 0;
    assert.equal(await range(port, alice), '0');
    for (const own of [undefined, mallory]) {
      const channel = new Channel(`https://localhost:${port}`, { tls: { ca, ...own } });
      await assert.rejects(channel.unary(services.kv, 'Range', {}, { timeoutMs: 2000 }), {
        name: 'RpcError',
      });
      channel.close();
    }
    assert.deepEqual(seen, ['alice']);
  });

  test('serves gRPC clients and HTTP clients of both versions on one port', async () => {
    const port = await start(false);
    const channel = new Channel(`https://localhost:${port}`, { tls: { ca, ...alice } });
    await channel.unary(services.kv, 'Range', {});
    channel.close();
    const text = await new Promise((resolve, reject) => {
      https
        .get({ port, host: 'localhost', path: '/health', ca, agent: false }, (response) => {
          response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
        })
        .on('error', reject);
    });
    assert.equal(text, '1.1 /health');
    const session = await connectRaw(`https://localhost:${port}`, { ca });
    const http2Answer = await rawCall(session, {
      path: '/health',
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(http2Answer.body.toString(), '2.0 /health');
    session.destroy();
  });

  test('shows new certificates from one connection to the next', async () => {
    let valid: ServerTls = { ...serverPair, clientCa: ca };
    const port = await start(false, { current: () => valid });
    const subject = async (): Promise<PeerCertificate['subject']> => {
      const socket = connectTls({ port, host: 'localhost', ca, ALPNProtocols: ['h2'] });
      await once(socket, 'secureConnect');
      const { subject: shown } = socket.getPeerCertificate();
      socket.destroy();
      return shown;
    };
    const connected = await connectRaw(`https://localhost:${port}`, { ca });
    assert.equal((await subject()).CN, 'one');
    valid = { ...otherServerPair, clientCa: ca };
    assert.equal((await subject()).CN, 'two');
    assert.equal((await rawCall(connected, { path: '/etcdserverpb.KV/Range' })).status, '0');
    connected.destroy();
  });
});
