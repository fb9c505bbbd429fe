import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/client';
import { endProcess, freePort } from '@kubelab/rpc/testing';

export const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

const LAST_WORDS_LENGTH = 6000;

export interface MemberProcess {
  readonly name: string;
  readonly clientUrl: string;
  readonly log: string;
  child: ChildProcess | undefined;
}

export interface ProcessClusterOptions {
  /** These go to every member. */
  readonly flags?: readonly string[];
  /** `https` goes with flags that name certificates. */
  readonly scheme?: 'http' | 'https';
  /** A program that takes etcd's flags, and what goes before them; default: ours. */
  readonly program?: readonly [command: string, ...before: string[]];
  /** What stands before a URL that a member listens on, a proxy say: the URL to reach it by; default: nothing. */
  readonly front?: (url: string, name: string, side: 'client' | 'peer') => Promise<string>;
  /** Default: a folder of the cluster's own, removed in the end. */
  readonly dataDir?: (name: string) => string | undefined;
  /** Called for each member with its flags, before any is started. */
  readonly prepare?: (flags: readonly string[], name: string) => Promise<void>;
}

/** Real processes on loopback, etcd-lite's or another's, for tests. */
export class ProcessCluster {
  readonly folder: string;
  readonly members: readonly MemberProcess[];
  readonly #program: readonly [string, ...string[]];
  readonly #args: readonly (readonly string[])[];

  private constructor(
    folder: string,
    members: MemberProcess[],
    args: string[][],
    program: readonly [string, ...string[]] = [process.execPath, MAIN],
  ) {
    this.folder = folder;
    this.members = members;
    this.#args = args;
    this.#program = program;
  }

  /** `flags` go to every member; `tlsFlags` come with https URLs. */
  static start(
    size: number,
    flags: readonly string[] = [],
    scheme: 'http' | 'https' = 'http',
  ): Promise<ProcessCluster> {
    return ProcessCluster.startWith(size, { flags, scheme });
  }

  static async startWith(size: number, options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { scheme = 'http', flags = [], front = (url) => Promise.resolve(url) } = options;
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lite-'));
    const ends = [];
    for (let i = 1; i <= size; i++) {
      const name = `etcd-${i}`;
      const [client, peer] = [
        `${scheme}://127.0.0.1:${await freePort()}`,
        `${scheme}://127.0.0.1:${await freePort()}`,
      ];
      const clientUrl = await front(client, name, 'client');
      ends.push({ name, client, peer, clientUrl, peerUrl: await front(peer, name, 'peer') });
    }
    const initialCluster = ends.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
    const args = ends.map(({ name, client, peer, clientUrl, peerUrl }) => [
      `--name=${name}`,
      `--data-dir=${options.dataDir?.(name) ?? join(folder, name)}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=${initialCluster}`,
      ...flags,
    ]);
    const members = ends.map(({ name, clientUrl }): MemberProcess => {
      return { name, clientUrl, log: join(folder, `${name}.log`), child: undefined };
    });
    const cluster = new ProcessCluster(folder, members, args, options.program);
    for (const [at, { name }] of members.entries()) await options.prepare?.(args[at] ?? [], name);
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
    const [command, ...before] = this.#program;
    const child = spawn(command, [...before, ...(this.#args[at] ?? [])], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.pipe(createWriteStream(member.log, { flags: 'a' }));
    member.child = child;
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const member = this.members.find((each) => each.name === name);
    if (member?.child !== undefined) await endProcess(member.child, signal);
  }

  /** The end of what a member has logged. */
  lastWords(name: string): string {
    const { log = '' } = this.members.find((each) => each.name === name) ?? {};
    return readFileSync(log, 'utf8').slice(-LAST_WORDS_LENGTH);
  }

  /** To a member that runs; does not wait for what comes of it. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.members.find((each) => each.name === name)?.child?.kill(signal);
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

  /**
   * All members follow a leader. Before that the loss of one may be too much: a majority founds the cluster, and who
   * comes later takes part once its leader has let it in.
   */
  async whole(): Promise<void> {
    for (const { name, clientUrl } of this.members) {
      const client = this.client([clientUrl]);
      try {
        const follows = async (): Promise<boolean> =>
          (await client.status(undefined, { timeoutMs: 1000 })).leader !== 0;
        await eventually(`${name} follows a leader`, follows, 20_000);
      } finally {
        client.close();
      }
    }
  }

  async stop(): Promise<void> {
    for (const { child } of this.members) if (child !== undefined) await endProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
