import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FakeKubeClient } from '@kubelab/client/testing';
import { realClock, silentLogger } from '@kubelab/component-base';
import { connectChannels } from '@kubelab/streams';
import { createAuthority, issueCertificate, type KeyPair } from '@kubelab/pki';
import type { PodObject } from '../core/types.ts';
import { HollowRuntime } from '../runtime/hollow/hollow-runtime.ts';
import type { ContainerConfig, StreamIo } from '../runtime/types.ts';
import { Authorizer, subresourceOf } from './authorizer.ts';
import { logQuery } from './logs.ts';
import { startServer } from './server.ts';

const identity = { name: 'web', namespace: 'default', uid: 'u1' };
const pod: PodObject = {
  metadata: { ...identity, resourceVersion: '1', creationTimestamp: '' },
  spec: { containers: [{ name: 'app' }, { name: 'late' }] },
};
const namespaces = { hostNetwork: false, hostPid: false, hostIpc: false, sharePid: false };

/** A hollow runtime that can echo: enough to see the wire. */
class EchoRuntime extends HollowRuntime {
  override async exec(...args: unknown[]): Promise<never> {
    const [, command, , io] = args as [string, string[], boolean, StreamIo];
    io.stdout?.write(`${command.join(' ')}: `);
    for await (const chunk of io.stdin ?? []) io.stdout?.write(chunk);
    return Number(command[1]) as never; // the exit code: the hollow one never has any
  }
}

describe('the kubelet’s port', () => {
  let folder: string;
  let server: Server;
  let port: number;
  let ca: KeyPair;
  let apiServer: KeyPair;
  let stranger: KeyPair;
  let forged: KeyPair;
  let client: FakeKubeClient;

  before(async () => {
    const now = Date.now();
    folder = await mkdtemp(join(tmpdir(), 'kubelet-server-'));
    ca = await createAuthority('ca', now);
    const otherCa = await createAuthority('ca', now);
    const issue = (authority: KeyPair, commonName: string, organizations: string[]) =>
      issueCertificate(authority, { commonName, organizations, usages: ['client'] }, now);
    apiServer = await issue(ca, 'kube-apiserver-kubelet-client', ['kubeadm:cluster-admins']);
    stranger = await issue(ca, 'system:node:node-2', ['system:nodes']);
    forged = await issue(otherCa, 'kube-apiserver-kubelet-client', ['system:masters']);
    const serving = await issueCertificate(
      ca,
      { commonName: 'node-1', dnsNames: ['node-1'], usages: ['server'] },
      now,
    );
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    client = new FakeKubeClient();
    client.raw = async <R>(_verb: string, path: string, body?: unknown) => {
      const { spec } = body as { spec: { token?: string; user?: string } };
      const status = path.endsWith('tokenreviews')
        ? { authenticated: spec.token !== 'wrong', user: { username: spec.token, groups: [] } }
        : { allowed: spec.user === 'friend' };
      return { status } as R;
    };
    const runtime = new EchoRuntime({ clock: realClock, podCidr: () => '10.244.1.0/24' });
    const sandbox = await runtime.runPodSandbox({
      pod: identity,
      attempt: 0,
      hostname: 'web',
      dns: undefined,
      hostAliases: [],
      namespaces,
      sysctls: {},
    });
    const config = {
      pod: identity,
      name: 'app',
      attempt: 0,
      image: 'i',
      hash: '',
      tty: false,
    } as ContainerConfig;
    await runtime.startContainer(await runtime.createContainer(sandbox.id, config));
    server = await startServer({
      address: '127.0.0.1',
      port: 0,
      certFile: await file('tls.crt', serving.cert),
      keyFile: await file('tls.key', serving.key),
      clientCaFile: await file('ca.crt', ca.cert),
      nodeName: 'node-1',
      runtime,
      authorizer: new Authorizer({ client, clock: realClock, nodeName: 'node-1' }),
      clock: realClock,
      log: silentLogger,
      pods: () => [pod],
      find: (namespace, name) => (namespace === 'default' && name === 'web' ? pod : undefined),
    });
    port = (server.address() as AddressInfo).port;
  });
  after(async () => {
    server?.close();
    server?.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  const tls = (identityOf?: KeyPair) => ({
    ca: ca.cert,
    servername: 'node-1',
    ...(identityOf === undefined ? {} : { cert: identityOf.cert, key: identityOf.key }),
  });

  function get(path: string, who?: KeyPair, token?: string): Promise<{ code: number; body: string }> {
    return new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const agent = new Agent({ ...tls(who), keepAlive: false });
      const req = request({ host: '127.0.0.1', port, path, agent, headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
      });
      req.on('error', reject);
      req.end();
    });
  }

  test('AUTH-1 the API server and whoever it vouches for come in, nobody else', async () => {
    const cases: [string, number, KeyPair | undefined, string | undefined][] = [
      ['the API server', 200, apiServer, undefined],
      ['nobody', 401, undefined, undefined],
      ['another node', 403, stranger, undefined],
      ['a certificate of another CA', 401, forged, undefined],
      ['a token the API does not know', 401, undefined, 'wrong'],
      ['a token without the right', 403, undefined, 'somebody'],
      ['a token with the right', 200, undefined, 'friend'],
    ];
    for (const [title, want, who, token] of cases) {
      assert.equal((await get('/pods', who, token)).code, want, title);
    }
    assert.deepEqual(await get('/healthz'), { code: 200, body: 'ok' });
    assert.deepEqual(['/stats/summary', '/metrics', '/exec/a/b/c', '/pods'].map(subresourceOf), [
      'stats',
      'metrics',
      'proxy',
      'proxy',
    ]);
  });

  test('logs, and what kubectl prints when there are none', async () => {
    const logs = (container: string, query = '') =>
      get(`/containerLogs/default/web/${container}${query}`, apiServer);
    const text = 'hollow container app of pod default/web: no process, no output\n';
    assert.deepEqual(await logs('app'), { code: 200, body: text });
    assert.deepEqual(await logs('app', '?limitBytes=6'), { code: 200, body: 'hollow' });
    assert.deepEqual(await logs('late'), {
      code: 400,
      body: 'container "late" in pod "web" is waiting to start: ContainerCreating',
    });
    assert.deepEqual(await logs('app', '?previous=true'), {
      code: 400,
      body: 'previous terminated container "app" in pod "web" not found',
    });
    assert.equal((await logs('none')).code, 404);
    assert.equal((await get('/containerLogs/default/gone/app', apiServer)).code, 404);
    assert.equal((await logs('app', '?tailLines=x')).code, 400);
  });

  test('log queries', () => {
    const query = (text: string) => logQuery(new URLSearchParams(text), 100_000).options;
    assert.deepEqual(query('follow=true&tailLines=5&sinceSeconds=10&timestamps=true'), {
      follow: true,
      timestamps: true,
      tailLines: 5,
      sinceMs: 90_000,
    });
    assert.equal(query('sinceTime=1970-01-01T00:00:01Z').sinceMs, 1_000);
  });

  async function exec(path: string, who?: KeyPair): Promise<string[]> {
    const frames: string[] = [];
    const session = await connectChannels(`wss://127.0.0.1:${port}${path}`, {
      ...tls(who),
      onFrame: ({ channel, payload }) => frames.push(`${channel}${Buffer.from(payload).toString()}`),
    });
    session.sendStdin('typed');
    session.closeStdin();
    await session.closed;
    return frames;
  }

  test('exec over WebSocket: stdin in, stdout out, the exit code as a Status', async () => {
    const frames = await exec('/exec/default/web/app?command=exit&command=3&input=1&output=1', apiServer);
    assert.deepEqual(frames.slice(0, 2), ['1exit 3: ', '1typed']);
    assert.match(frames.at(-1) ?? '', /^3\{.*"reason":"NonZeroExitCode".*"message":"3"/);
    await assert.rejects(exec('/exec/default/web/app?command=id&output=1'), /401/);
    await assert.rejects(exec('/exec/default/web/late?command=id&output=1', apiServer), /404/);
    assert.equal((await get('/exec/default/web/app?command=id', apiServer)).code, 400);
  });
});
