import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/etcd';
import { endProcess, freePort } from '@kubelab/rpc/testing';

export const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface MemberProcess {
  readonly name: string;
  readonly clientUrl: string;
  readonly log: string;
  child: ChildProcess | undefined;
}

/** Real etcd-lite processes on loopback, for tests. */
export class ProcessCluster {
  readonly folder: string;
  readonly members: readonly MemberProcess[];
  readonly #args: readonly (readonly string[])[];

  private constructor(folder: string, members: MemberProcess[], args: string[][]) {
    this.folder = folder;
    this.members = members;
    this.#args = args;
  }

  /** `flags` go to every member; `tlsFlags` come with https URLs. */
  static async start(size: number, flags: readonly string[] = [], scheme = 'http'): Promise<ProcessCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lite-'));
    const members: MemberProcess[] = [];
    const peers: string[] = [];
    for (let i = 1; i <= size; i++) {
      const name = `etcd-${i}`;
      const clientUrl = `${scheme}://127.0.0.1:${await freePort()}`;
      members.push({ name, clientUrl, log: join(folder, `${name}.log`), child: undefined });
      peers.push(`${scheme}://127.0.0.1:${await freePort()}`);
    }
    const initialCluster = members.map(({ name }, i) => `${name}=${peers[i]}`).join(',');
    const args = members.map(({ name, clientUrl }, i) => [
      `--name=${name}`,
      `--data-dir=${join(folder, name)}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peers[i]}`,
      `--initial-advertise-peer-urls=${peers[i]}`,
      `--initial-cluster=${initialCluster}`,
      ...flags,
    ]);
    const cluster = new ProcessCluster(folder, members, args);
    for (const { name } of members) cluster.startMember(name);
    return cluster;
  }

  get endpoints(): string[] {
    return this.members.map(({ clientUrl }) => clientUrl);
  }

  client(endpoints = this.endpoints): EtcdClient {
    return new EtcdClient({ endpoints, log: silentLogger, clock: realClock });
  }

  startMember(name: string): void {
    const at = this.members.findIndex((each) => each.name === name);
    const member = this.members[at];
    if (member === undefined) throw new Error(`no member ${name}`);
    const child = spawn(process.execPath, [MAIN, ...(this.#args[at] ?? [])], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.pipe(createWriteStream(member.log, { flags: 'a' }));
    member.child = child;
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const member = this.members.find((each) => each.name === name);
    if (member?.child !== undefined) await endProcess(member.child, signal);
  }

  /** The name of the member that leads, as it says itself. */
  leader(): Promise<string> {
    return eventually(
      'a leader',
      async () => {
        for (const { name, clientUrl } of this.members) {
          const client = this.client([clientUrl]);
          try {
            const { leader, header } = await client.status(undefined, { timeoutMs: 1000 });
            if (leader === header.memberId) return name;
          } catch {
            // This one is down; the next may lead.
          } finally {
            client.close();
          }
        }
        return undefined;
      },
      20_000,
    );
  }

  async stop(): Promise<void> {
    for (const { child } of this.members) if (child !== undefined) await endProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
