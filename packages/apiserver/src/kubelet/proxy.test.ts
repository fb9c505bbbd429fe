import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { realClock, silentLogger } from '@kubelab/component-base';
import { createAuthority, issueCertificate, type KeyPair } from '@kubelab/pki';
import { HttpDoor } from '../http/door.ts';
import { upgradeHandler } from '../http/upgrade.ts';
import { Harness, pod } from '../testing/harness.ts';

let ca: KeyPair;
let admin: KeyPair;
let kubelet: Server;
let door: HttpDoor;
let port: number;
let api: Harness;
/** What the kubelet got to see: method, path, headers, and who asked. */
const seen: { path: string; headers: IncomingMessage['headers']; peer: string }[] = [];
/** Bytes that reached the kubelet's end without an upgrade having been granted. */
let strayBytes = '';

before(async () => {
  ca = await createAuthority('ca', Date.now());
  const pair = (
    commonName: string,
    usages: ('server' | 'client')[],
    dnsNames: string[] = [],
    organizations: string[] = [],
  ) =>
    issueCertificate(
      ca,
      { commonName, organizations, usages, dnsNames, ipAddresses: dnsNames.length > 0 ? [] : ['127.0.0.1'] },
      Date.now(),
    );
  admin = await pair('admin', ['client'], ['admin'], ['system:masters']);
  // Its certificate names the node, and no address at all.
  kubelet = fakeKubelet(await pair('system:node:node-1', ['server'], ['node-1']));
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  const identity = await pair('kube-apiserver-kubelet-client', ['client'], ['x'], ['kubeadm:cluster-admins']);
  api = await Harness.start({ config: { kubelet: { ca: ca.cert, ...identity } } });
  const tls = { ...(await pair('apiserver', ['server'])), clientCa: ca.cert };
  door = new HttpDoor({
    pipeline: api.server.pipeline,
    clock: realClock,
    log: silentLogger,
    tls,
    upgrade: upgradeHandler(api.server),
  });
  port = await door.listen('127.0.0.1', 0);
  await api.namespace('ns');
  for (const name of ['node-1', 'node-2']) await node(name);
  await api.make('/api/v1/namespaces/ns/pods', pod('web', { nodeName: 'node-1' }));
  await api.make(
    '/api/v1/namespaces/ns/pods',
    pod('two', { nodeName: 'node-1', containers: ['a', 'b'].map((name) => ({ name, image: 'i' })) }),
  );
  await api.make('/api/v1/namespaces/ns/pods', pod('impostor', { nodeName: 'node-2' }));
  await api.make('/api/v1/namespaces/ns/pods', pod('pending'));
});
after(async () => {
  await door.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
  await api.stop();
});

async function node(name: string): Promise<void> {
  const made = await api.make('/api/v1/nodes', { metadata: { name } });
  const { port: kubeletPort } = kubelet.address() as AddressInfo;
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
  };
  assert.equal((await api.ask(`PUT /api/v1/nodes/${name}/status`, { body: { ...made, status } })).code, 200);
}

function fakeKubelet(pair: KeyPair): Server {
  const server = createServer({ ...pair, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
  const note = (request: IncomingMessage) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
    seen.push({ path: request.url ?? '', headers: request.headers, peer: String(peer) });
  };
  server.on('request', (request, response) => {
    note(request);
    if (request.url?.includes('previous=true') === true) {
      response.statusCode = 400;
      response.end('previous terminated container "c" in pod "web" not found');
      return;
    }
    response.end('a line of the log\n');
  });
  server.on('upgrade', (request, socket) => {
    note(request);
    if (request.url?.includes('command=refuse') === true) {
      socket.on('data', (bytes: Buffer) => (strayBytes += bytes.toString()));
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nno exec');
      return;
    }
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n',
    );
    socket.on('data', (bytes: Buffer) => socket.write(`echo ${bytes.toString()}`));
  });
  return server;
}

interface Upgrade {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Asks for an upgrade through the API server's real port, then says something. */
function upgrade(path: string, say = 'hello', headers: Record<string, string> = {}): Promise<Upgrade> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      agent: false,
      ca: ca.cert,
      cert: admin.cert,
      key: admin.key,
      headers: {
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'x-stream-protocol-version': 'v4.channel.k8s.io',
        ...headers,
      },
    });
    request.once('upgrade', (response, socket) => {
      socket.once('data', (bytes: Buffer) => {
        socket.destroy();
        resolve({ code: 101, headers: response.headers, text: bytes.toString() });
      });
      socket.write(say);
    });
    request.once('response', (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => (text += bytes.toString()));
      response.once('end', () =>
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.once('error', reject);
    request.end();
  });
}

async function log(path: string): Promise<{ code: number; text: string }> {
  const response = await api.raw(`GET /api/v1/namespaces/ns/pods/${path}`);
  if (response.kind === 'body') return { code: response.code, text: Buffer.from(response.body).toString() };
  if (response.kind !== 'stream') throw new Error('no stream');
  let text = '';
  for await (const chunk of response.body) text += Buffer.from(chunk).toString();
  return { code: response.code, text };
}

test("the log comes from the kubelet, asked with the API server's own identity and only known options", async () => {
  assert.deepEqual(await log('web/log?tailLines=5&follow=false&insecureSkipTLSVerifyBackend=true&x=y'), {
    code: 200,
    text: 'a line of the log\n',
  });
  const last = seen.at(-1);
  assert.equal(last?.path, '/containerLogs/ns/web/c?follow=false&tailLines=5');
  assert.equal(last?.peer, 'kube-apiserver-kubelet-client');
});

test('what the kubelet refuses is refused in its words', async () => {
  const refused = await log('web/log?previous=true');
  assert.equal(refused.code, 400);
  assert.equal(JSON.parse(refused.text).message, 'previous terminated container "c" in pod "web" not found');
});

test('a log of a pod with several containers needs a name; of a pod on no node it is empty', async () => {
  const unclear = await log('two/log');
  assert.equal(unclear.code, 400);
  assert.equal(
    JSON.parse(unclear.text).message,
    'a container name must be specified for pod two, choose one of: [a b]',
  );
  assert.equal(
    JSON.parse((await log('two/log?container=z')).text).message,
    'container z is not valid for pod two',
  );
  assert.deepEqual(await log('pending/log'), { code: 200, text: '' });
});

test("S1 a kubelet is known by its node's name, not by its address", async () => {
  const refused = await log('impostor/log');
  assert.equal(refused.code, 500);
  assert.match(refused.text, /Hostname\/IP does not match certificate's altnames|altnames/);
});

test("exec is passed through once the kubelet has switched protocols, without the client's credentials", async () => {
  const done = await upgrade(
    '/api/v1/namespaces/ns/pods/web/exec?command=ls&command=-l&stdin=true&stdout=true&tty=true',
    'hello',
    {
      authorization: 'Bearer of-the-client',
      'impersonate-user': 'admin',
      'impersonate-group': 'system:masters',
    },
  );
  assert.equal(done.code, 101);
  assert.equal(done.headers['x-stream-protocol-version'], 'v4.channel.k8s.io');
  assert.equal(done.text, 'echo hello');
  const last = seen.at(-1);
  assert.equal(last?.path, '/exec/ns/web/c?input=1&output=1&tty=1&command=ls&command=-l');
  assert.deepEqual([last?.headers.authorization, last?.headers['impersonate-user']], [undefined, undefined]);
});

test('port-forward goes to the pod, attach to its container', async () => {
  assert.equal((await upgrade('/api/v1/namespaces/ns/pods/two/portforward?ports=80')).code, 101);
  assert.equal(seen.at(-1)?.path, '/portForward/ns/two?port=80');
  assert.equal((await upgrade('/api/v1/namespaces/ns/pods/two/attach?container=b&stdout=true')).code, 101);
  assert.equal(seen.at(-1)?.path, '/attach/ns/two/b?output=1');
});

test('after a refused upgrade no byte of the client reaches the kubelet', async () => {
  const refused = await upgrade(
    '/api/v1/namespaces/ns/pods/web/exec?command=refuse',
    'GET /pods HTTP/1.1\r\n\r\n',
  );
  assert.equal(refused.code, 403);
  assert.equal(JSON.parse(refused.text).message, 'no exec');
  assert.equal(strayBytes, '');
});

const REFUSED: [string, string, number, RegExp][] = [
  ['without an upgrade', '', 400, /Upgrade request required/],
  ['into a pod on no node', 'pending/exec?command=ls', 400, /pod pending does not have a host assigned/],
  ['into a pod that is not there', 'none/exec?command=ls', 404, /pods ..none.. not found/],
];
for (const [title, path, code, message] of REFUSED) {
  test(`exec ${title} is ${code}`, async () => {
    const answer =
      path === ''
        ? await api.ask('POST /api/v1/namespaces/ns/pods/web/exec?command=ls')
        : await upgrade(`/api/v1/namespaces/ns/pods/${path}`);
    assert.equal(answer.code, code);
    assert.match(answer.text, message);
  });
}
