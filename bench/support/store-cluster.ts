import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/etcd';
import { endProcess, freePort } from '@kubelab/rpc/testing';
import { sum } from '../core/stats.ts';
import { cpuSeconds } from './processes.ts';

export type StoreProgram = 'etcd-lite' | 'etcd';

const COMMANDS: Readonly<Record<StoreProgram, readonly string[]>> = {
  'etcd-lite': [process.execPath, fileURLToPath(import.meta.resolve('@kubelab/etcd-lite/main'))],
  etcd: ['etcd', '--log-level=error'],
};

const LEADER_MS = 20_000;

/** A store of some members on loopback without TLS; both programs take the same flags. */
export class StoreCluster {
  readonly folder: string;
  readonly #children: readonly ChildProcess[];
  readonly #client: EtcdClient;
  readonly #urls: readonly string[];

  private constructor(folder: string, children: ChildProcess[], urls: string[]) {
    this.folder = folder;
    this.#children = children;
    this.#urls = urls;
    this.#client = new EtcdClient({ endpoints: urls, log: silentLogger, clock: realClock });
  }

  static async start(program: StoreProgram, size: number): Promise<StoreCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-bench-store-'));
    const urls: string[] = [];
    const peers: string[] = [];
    for (let i = 0; i < size; i++) {
      urls.push(`http://127.0.0.1:${await freePort()}`);
      peers.push(`http://127.0.0.1:${await freePort()}`);
    }
    const initialCluster = peers.map((peer, i) => `m${i}=${peer}`).join(',');
    const [command = '', ...before] = COMMANDS[program];
    const children = urls.map((url, i) => {
      const log = openSync(join(folder, `m${i}.log`), 'a');
      const flags = {
        name: `m${i}`,
        'data-dir': join(folder, `m${i}`),
        'listen-client-urls': url,
        'advertise-client-urls': url,
        'listen-peer-urls': peers[i],
        'initial-advertise-peer-urls': peers[i],
        'initial-cluster': initialCluster,
      };
      const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
      return spawn(command, [...before, ...words], { stdio: ['ignore', log, log] });
    });
    return new StoreCluster(folder, children, urls);
  }

  /** URL of the member that leads; waits until there is one. */
  leader(): Promise<string> {
    return eventually(
      'the store has a leader',
      async () => {
        for (const url of this.#urls) {
          const { leader, header } = await this.#client.status(url, { timeoutMs: 1000 });
          if (leader === header.memberId) return url;
        }
        return undefined;
      },
      LEADER_MS,
    );
  }

  /** The store's revision: it counts puts, so that nobody takes refusals for successes. */
  async revision(): Promise<number> {
    return (await this.#client.range({ key: Buffer.from('absent') })).header.revision;
  }

  put(key: string, value: Uint8Array): Promise<unknown> {
    return this.#client.put({ key: Buffer.from(key), value });
  }

  /** Of all members together. */
  async cpuSeconds(): Promise<number> {
    const all = await Promise.all(this.#children.map(({ pid }) => cpuSeconds(pid ?? 0)));
    return sum(all.map((seconds) => seconds ?? 0));
  }

  async stop(): Promise<void> {
    this.#client.close();
    for (const child of this.#children) await endProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
