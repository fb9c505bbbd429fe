import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { createAuthority, ensureLabPki, issueCertificate } from '@kubelab/pki';

/** A store and an API server as real processes, with a PKI, for end-to-end tests. */
export interface Lab {
  readonly folder: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Runs kubectl (of a version, when given) and resolves to what it said. */
  kubectl(args: readonly string[], options?: { version?: string; input?: string }): Promise<Ran>;
  /** A client certificate signed by the lab's CA. */
  certificate(commonName: string, organizations?: readonly string[]): Promise<{ cert: string; key: string }>;
  readonly etcdUrl: string;
  stop(): Promise<void>;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const CLUSTER = {
  lab: 'test',
  apiServiceIp: '10.96.0.1',
  clusterDomain: 'cluster.local',
  members: [{ name: 'apiserver-1', kind: 'apiserver', addresses: ['127.0.0.1'] }],
} as const;

export async function startLab(extraFlags: readonly string[] = []): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'kubelab-apiserver-'));
  const [clientPort, peerPort, port, grpcPort] = await freePorts(4);
  const url = `https://127.0.0.1:${port}`;
  await ensureLabPki(folder, { ...CLUSTER, publicServer: url, internalServer: url }, Date.now());
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const etcd = startEtcd(folder, etcdUrl, must(peerPort));
  const pki = join(folder, 'members/apiserver-1/pki');
  const apiserver = spawn(
    process.execPath,
    [
      join(import.meta.dirname, '../main.ts'),
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--grpc-port=${grpcPort}`,
      `--etcd-servers=${etcdUrl}`,
      `--client-ca-file=${pki}/ca.crt`,
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      `--kubelet-certificate-authority=${pki}/ca.crt`,
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      ...extraFlags,
    ],
    { stdio: ['ignore', 'inherit', process.env['LAB_LOGS'] ? 'inherit' : 'ignore'] },
  );
  const kubeconfig = join(folder, 'kubeconfig');
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const lab: Lab = {
    folder,
    port: must(port),
    grpcPort: must(grpcPort),
    url,
    etcdUrl,
    ca: await read('pki/ca.crt'),
    admin: { cert: await read('pki/admin.crt'), key: await read('pki/admin.key') },
    kubeconfig,
    kubectl: (args, options = {}) => kubectl(kubeconfig, folder, args, options),
    certificate: async (commonName, organizations = []) => {
      const ca = { cert: await read('pki/ca.crt'), key: await read('pki/ca.key') };
      return issueCertificate(ca, { commonName, organizations, usages: ['client'] }, Date.now());
    },
    stop: async () => {
      await ended(apiserver);
      await ended(etcd);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await eventually(
      'the API server is ready',
      async () => (await lab.kubectl(['get', '--raw', '/readyz'])).stdout === 'ok',
      20_000,
      200,
    );
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return lab;
}

function startEtcd(folder: string, clientUrl: string, peerPort: number): ChildProcess {
  const args = [
    '--data-dir',
    join(folder, 'etcd'),
    '--listen-client-urls',
    clientUrl,
    '--advertise-client-urls',
    clientUrl,
  ];
  const peer = `http://127.0.0.1:${peerPort}`;
  return spawn(
    'etcd',
    [
      ...args,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
    ],
    {
      stdio: 'ignore',
    },
  );
}

async function kubectl(
  kubeconfig: string,
  home: string,
  args: readonly string[],
  { version, input }: { version?: string; input?: string },
): Promise<Ran> {
  const command =
    version === undefined ? 'kubectl' : `${process.env['KUBECTL_DIR'] ?? KUBECTL_DIR}/kubectl.${version}`;
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: home };
    const child = execFile(
      command,
      [...args],
      { env, timeout: 30_000, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

/** Where several versions lie side by side. */
const KUBECTL_DIR = '/usr/lib/google-cloud-sdk/bin';

/** Those of the wanted versions that are installed. */
export async function kubectlVersions(wanted: readonly string[]): Promise<string[]> {
  const folder = process.env['KUBECTL_DIR'] ?? KUBECTL_DIR;
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return wanted.filter((version) => names.includes(`kubectl.${version}`));
}

/** Certificates from a CA that the lab does not know. */
export async function foreignCertificate(
  commonName: string,
  organizations: readonly string[],
): Promise<{ cert: string; key: string }> {
  return issueCertificate(
    await createAuthority('foreign', Date.now()),
    { commonName, organizations, usages: ['client'] },
    Date.now(),
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 8000);
  await exit;
  clearTimeout(force);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Writes a manifest into the lab's folder and gives its path. */
export async function manifest(lab: Lab, name: string, object: object): Promise<string> {
  const path = join(lab.folder, `${name}.json`);
  await writeFile(path, JSON.stringify(object));
  return path;
}
