import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from '@kubelab/component-base/testing';
import type { EtcdClient } from '@kubelab/rpc/client';
import { MAIN, ProcessCluster } from './processes.ts';

const run = promisify(execFile);

export type Program = readonly [command: string, ...before: string[]];

export const PROGRAMS = {
  etcd: { serve: ['etcd'], restore: ['etcdctl', 'snapshot', 'restore'] },
  'etcd-lite': { serve: [process.execPath, MAIN], restore: [process.execPath, MAIN, 'restore'] },
} as const satisfies Record<string, { serve: Program; restore: Program }>;
export type ProgramName = keyof typeof PROGRAMS;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end; never rejects. */
export async function runProgram([command, ...before]: Program, args: readonly string[]): Promise<Ran> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  try {
    const { stdout, stderr } = await run(command, [...before, ...args], { env, timeout: 30_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, stdout, stderr };
  }
}

/** What it prints to stdout; rejects with what it said when it fails. */
export async function output(program: Program, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`${program.join(' ')} ${args.join(' ')}: exit ${code}: ${stderr}${stdout}`);
  return stdout;
}

export function etcdctl(endpoint: string, ...args: string[]): Promise<string> {
  return output(['etcdctl'], [`--endpoints=${endpoint.replace(/^http:\/\//, '')}`, ...args]);
}

interface RestoredOptions {
  readonly size?: number;
  /** For the tool. */
  readonly flags?: readonly string[];
  /** Resolves when the cluster can be used; default: `answering`. */
  readonly probe?: (cluster: ProcessCluster) => Promise<void>;
}

/** Starts a cluster of a program, each member from the data directory that the program's own tool made of a snapshot. */
export async function startRestored(
  program: ProgramName,
  snapshot: string,
  { size = 1, flags = [], probe = answering }: RestoredOptions = {},
): Promise<ProcessCluster> {
  const cluster = await ProcessCluster.startWith(size, {
    program: PROGRAMS[program].serve,
    prepare: async (given) => {
      // The same words; restore has no client URLs.
      const words = given.filter((flag) => !flag.includes('-client-urls') && !flag.includes('listen-peer'));
      await output(PROGRAMS[program].restore, [snapshot, ...words, ...flags]);
    },
  });
  await probe(cluster);
  return cluster;
}

/** Resolves when a quorum answers. */
export async function answering(cluster: ProcessCluster): Promise<void> {
  const client = cluster.client();
  try {
    await eventually(
      'the cluster answers',
      () => client.range({ key: Buffer.from('x') }, { timeoutMs: 1000 }),
      20_000,
    );
  } finally {
    client.close();
  }
}

export const LEASE = 0x1234_5678;
export const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };

/** Keys with histories, a deletion, a lease with keys, and a compaction in the middle. */
export async function fill(client: EtcdClient): Promise<void> {
  await client.leaseGrant({ ID: LEASE, TTL: 3600 });
  for (let i = 0; i < 60; i++) {
    const put = {
      key: Buffer.from(`k${i % 40}`),
      value: Buffer.from(`v${i}`),
      lease: i % 10 === 0 ? LEASE : 0,
    };
    await client.put(put);
  }
  await client.put({ key: Buffer.from('large'), value: Buffer.alloc(1_000_000, 7) });
  await client.deleteRange({ key: Buffer.from('k5') });
  const { header } = await client.deleteRange({ key: Buffer.from('k30'), rangeEnd: Buffer.from('k35') });
  await client.compact({ revision: header.revision - 20, physical: true });
}

/** What the store holds, as far as it must survive. */
export async function contents(client: EtcdClient, endpoint: string): Promise<object> {
  const { header, kvs, count } = await client.range(EVERYTHING);
  const { hash, compactRevision } = await client.hashKv(endpoint);
  const lease = await client.leaseTimeToLive({ ID: LEASE, keys: true });
  return {
    revision: header.revision,
    count,
    kvs: kvs.map((kv) => ({ ...kv, key: Buffer.from(kv.key).toString(), value: Buffer.from(kv.value) })),
    hash,
    compactRevision,
    lease: [
      lease.grantedTTL,
      lease.keys
        .map((key) => Buffer.from(key).toString())
        .sort()
        .join(),
    ],
  };
}
