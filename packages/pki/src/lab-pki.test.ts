import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, connect, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { ensureLabPki, type PkiPlan } from './lab-pki.ts';

const plan: PkiPlan = {
  lab: 'lab',
  publicServer: 'https://127.0.0.1:6443',
  internalServer: 'https://lb-1:6443',
  apiServiceIp: '10.96.0.1',
  clusterDomain: 'cluster.local',
  members: [
    { name: 'etcd-1', kind: 'etcd', addresses: ['10.89.0.11'] },
    { name: 'apiserver-1', kind: 'apiserver', addresses: [] },
    { name: 'controller-manager-1', kind: 'controller-manager', addresses: [] },
    { name: 'scheduler-1', kind: 'scheduler', addresses: [] },
    { name: 'images-1', kind: 'images', addresses: [] },
    { name: 'node-1', kind: 'node', addresses: [] },
  ],
};

suite('lab PKI', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubelab-pki-'));
    await ensureLabPki(folder, plan, Date.now());
  });
  after(() => rm(folder, { recursive: true }));
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const certificate = async (path: string) => new X509Certificate(await read(path));

  test('the kubelet client certificate carries the node identity, signed by the cluster CA', async () => {
    const node = await certificate('members/node-1/pki/kubelet-client.crt');
    assert.match(node.subject, /CN=system:node:node-1/);
    assert.match(node.subject, /O=system:nodes/);
    assert.ok(node.verify((await certificate('pki/ca.crt')).publicKey));
  });

  test('serving certificates name the member, loopback and its fixed addresses', async () => {
    const etcd = await certificate('members/etcd-1/pki/server.crt');
    assert.equal(etcd.checkHost('etcd-1'), 'etcd-1');
    assert.ok(etcd.checkIP('127.0.0.1') && etcd.checkIP('10.89.0.11'));
    assert.ok(
      (await certificate('members/apiserver-1/pki/apiserver.crt')).checkHost('kubernetes.default.svc'),
    );
  });

  test('PKI-1 every file is readable by its owner only', async () => {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const { mode } = await stat(join(entry.parentPath, entry.name));
      assert.equal(mode & 0o077, 0, entry.name);
    }
  });

  test('PKI-2 no member but the controller manager holds a CA key', async () => {
    const caKey = await read('pki/ca.key');
    for (const entry of await readdir(join(folder, 'members'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.parentPath.includes('controller-manager-1')) continue;
      assert.notEqual(await readFile(join(entry.parentPath, entry.name), 'utf8'), caKey, entry.parentPath);
    }
  });

  test('a second run changes nothing', async () => {
    const before = await read('members/node-1/kubelet.conf');
    await ensureLabPki(folder, plan, Date.now());
    assert.equal(await read('members/node-1/kubelet.conf'), before);
  });

  test('a TLS server with client authentication accepts the issued pair and sees its name', async () => {
    const server = createServer(
      {
        cert: await read('members/apiserver-1/pki/apiserver.crt'),
        key: await read('members/apiserver-1/pki/apiserver.key'),
        ca: await read('pki/ca.crt'),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket: TLSSocket) => socket.end(String(socket.getPeerCertificate().subject.CN)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [ca, cert, key] = await Promise.all(['pki/ca.crt', 'pki/admin.crt', 'pki/admin.key'].map(read));
    const name = await new Promise<string>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', ca, cert, key });
      socket.on('error', reject).on('data', (data) => resolve(String(data)));
    });
    server.close();
    assert.equal(name, 'kubernetes-admin');
  });
});
