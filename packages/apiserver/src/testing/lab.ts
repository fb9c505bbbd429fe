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
  readonly store: Member;
  readonly servers: readonly LabServer[];
  stop(): Promise<void>;
}

export type LabServer = Member & {
  readonly port: number;
  readonly grpcPort: number;
  readonly url: string;
  readonly grpcUrl: string;
};

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

export interface LabOptions {
  readonly flags?: readonly string[];
  /** API servers on the one store. */
  readonly serverCount?: number;
}

/** Starts everything and waits until each server is ready. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'kubelab-apiserver-'));
  const [clientPort, peerPort, ...ports] = await freePorts(2 + 2 * (options.serverCount ?? 1));
  const url = `https://127.0.0.1:${ports[0]}`;
  await ensureLabPki(folder, { ...CLUSTER, publicServer: url, internalServer: url }, Date.now());
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const store = new Member(() => startStore(folder, etcdUrl, must(peerPort)));
  const servers: LabServer[] = [];
  for (let i = 0; i + 1 < ports.length; i += 2) {
    const place = { port: must(ports[i]), grpcPort: must(ports[i + 1]) };
    const member = new Member(() => startServer(folder, etcdUrl, place, options.flags ?? []));
    servers.push(
      Object.assign(member, place, {
        url: `https://127.0.0.1:${place.port}`,
        grpcUrl: `grpcs://127.0.0.1:${place.grpcPort}`,
      }),
    );
  }
  const kubeconfig = join(folder, 'kubeconfig');
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const lab: Lab = {
    port: must(servers[0]).port,
    grpcPort: must(servers[0]).grpcPort,
    folder,
    url,
    etcdUrl,
    store,
    servers,
    ca: await read('pki/ca.crt'),
    admin: { cert: await read('pki/admin.crt'), key: await read('pki/admin.key') },
    kubeconfig,
    kubectl: (args, given = {}) => kubectl(kubeconfig, folder, args, given),
    certificate: async (commonName, organizations = []) => {
      const ca = { cert: await read('pki/ca.crt'), key: await read('pki/ca.key') };
      return issueCertificate(ca, { commonName, organizations, usages: ['client'] }, Date.now());
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    for (const server of servers) await untilReady(lab, server);
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return lab;
}

export async function untilReady(lab: Pick<Lab, 'kubectl'>, server: { readonly url: string }): Promise<void> {
  const isReady = async () =>
    (await lab.kubectl(['get', '--raw', '/readyz', '--server', server.url])).stdout === 'ok';
  await eventually('the API server is ready', isReady, 30_000, 200);
}

/** A process that can be ended and started again. */
export class Member {
  readonly #start: () => ChildProcess;
  #child: ChildProcess;

  constructor(start: () => ChildProcess) {
    this.#start = start;
    this.#child = start();
  }

  async stop(): Promise<void> {
    await ended(this.#child, 'SIGTERM');
  }

  async kill(): Promise<void> {
    await ended(this.#child, 'SIGKILL');
  }

  start(): void {
    this.#child = this.#start();
  }
}

const LOGS = process.env['LAB_LOGS'] === undefined ? 'ignore' : 'inherit';

function startServer(
  folder: string,
  etcdUrl: string,
  { port, grpcPort }: { port: number; grpcPort: number },
  flags: readonly string[],
): ChildProcess {
  const pki = join(folder, 'members/apiserver-1/pki');
  const args = [
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
    ...flags,
  ];
  return spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...args], {
    stdio: ['ignore', 'inherit', LOGS],
  });
}

/** kubelab's own store, or with `KUBELAB_TEST_STORE=etcd` the one that is installed. */
function startStore(folder: string, clientUrl: string, peerPort: number): ChildProcess {
  const peer = `http://127.0.0.1:${peerPort}`;
  const args = [
    ...[
      '--data-dir',
      join(folder, 'etcd'),
      '--listen-client-urls',
      clientUrl,
      '--advertise-client-urls',
      clientUrl,
    ],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--name', 'etcd-1', '--initial-cluster', `etcd-1=${peer}`],
  ];
  if (process.env['KUBELAB_TEST_STORE'] === 'etcd') return spawn('etcd', args, { stdio: 'ignore' });
  const main = join(import.meta.dirname, '../../../etcd-lite/src/main.ts');
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'inherit', LOGS] });
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

async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
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
