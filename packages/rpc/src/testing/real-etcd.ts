import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@kubelab/component-base/testing';
import { realClock, silentLogger } from '@kubelab/component-base';
import { EtcdClient } from '../etcd/client.ts';

export interface TestStore {
  readonly endpoints: readonly string[];
  stop(): Promise<void>;
}

const givenPorts = new Set<number>();

/** Free at the time of asking, and never given before: whoever asked may not listen yet. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  if (givenPorts.has(address.port)) return freePort();
  givenPorts.add(address.port);
  return address.port;
}

/** Starts the machine's own etcd (one member) in a folder of its own. */
export async function startRealEtcd(): Promise<TestStore> {
  return startStore('etcd', []);
}

/** Starts any program that takes etcd's flags, and waits until it answers. */
export async function startStore(program: string, before: readonly string[]): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'kubelab-store-'));
  const client = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      ...before,
      '--name=one',
      `--data-dir=${folder}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=one=${peer}`,
    ],
    { stdio: process.env['DEBUG'] === undefined ? 'ignore' : 'inherit' },
  );
  const probe = new EtcdClient({ endpoints: [client], log: silentLogger, clock: realClock });
  try {
    await eventually(
      'the store answers',
      () => probe.range({ key: Buffer.from('a') }, { timeoutMs: 1000 }),
      20_000,
    );
  } finally {
    probe.close();
  }
  return {
    endpoints: [client],
    async stop() {
      await endProcess(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
