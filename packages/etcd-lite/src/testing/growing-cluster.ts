import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/client';
import { endProcess, freePort } from '@kubelab/rpc/testing';
import { MAIN } from './processes.ts';

/** A program that takes etcd's flags, and what goes before them. */
export type Program = readonly [command: string, ...before: string[]];

interface GrownMember {
  readonly name: string;
  readonly client: string;
  peer: string;
  child: ChildProcess | undefined;
}

/** Processes on loopback that are started one by one, each with flags of its own, and asked by etcdctl. */
export class GrowingCluster {
  readonly folder: string;
  readonly #program: Program;
  readonly #flags: readonly string[];
  readonly #members = new Map<string, GrownMember>();

  private constructor(folder: string, program: Program, flags: readonly string[]) {
    this.folder = folder;
    this.#program = program;
    this.#flags = flags;
  }

  /** `flags` go to every member. Nothing runs yet. */
  static async create(program: Program, ...flags: string[]): Promise<GrowingCluster> {
    return new GrowingCluster(await mkdtemp(join(tmpdir(), 'etcd-grow-')), program, flags);
  }

  /** Ours, with these members running and serving. */
  static of(names: readonly string[], ...planned: string[]): Promise<GrowingCluster> {
    return GrowingCluster.running([process.execPath, MAIN], names, ...planned);
  }

  /** The same of any program. */
  static async running(
    program: Program,
    names: readonly string[],
    ...planned: string[]
  ): Promise<GrowingCluster> {
    const cluster = await GrowingCluster.create(program);
    await cluster.plan(...names, ...planned);
    for (const name of names) cluster.start(name, names);
    for (const name of names) await cluster.serves(name);
    return cluster;
  }

  /** Gives a member its name and its ports. */
  async plan(...names: string[]): Promise<void> {
    for (const name of names) {
      const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
      this.#members.set(name, { name, client: client ?? '', peer: peer ?? '', child: undefined });
    }
  }

  /** From its next start on the others find the member elsewhere. */
  async move(name: string): Promise<void> {
    this.member(name).peer = `http://127.0.0.1:${await freePort()}`;
  }

  member(name: string): GrownMember {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  /** The flag that names these. */
  initialCluster(...names: string[]): string {
    const members = [...new Set(names)].sort().map((each) => `${each}=${this.member(each).peer}`);
    return `--initial-cluster=${members.join(',')}`;
  }

  dataDir(name: string): string {
    return join(this.folder, name);
  }

  /** `others` is what `--initial-cluster` names beside the member itself. */
  start(name: string, others: readonly string[] = [], ...flags: string[]): ChildProcess {
    const member = this.member(name);
    const [command, ...before] = this.#program;
    const child = spawn(
      command,
      [
        ...before,
        `--name=${name}`,
        `--data-dir=${this.dataDir(name)}`,
        `--listen-client-urls=${member.client}`,
        `--advertise-client-urls=${member.client}`,
        `--listen-peer-urls=${member.peer}`,
        `--initial-advertise-peer-urls=${member.peer}`,
        this.initialCluster(...others, name),
        ...this.#flags,
        ...flags,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr?.pipe(createWriteStream(join(this.folder, `${name}.log`), { flags: 'a' }));
    member.child = child;
    return child;
  }

  async end(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this.member(name);
    if (child !== undefined) await endProcess(child, signal);
  }

  /** The machine's disk is new. */
  async wipe(name: string): Promise<void> {
    await this.end(name);
    await rm(this.dataDir(name), { recursive: true });
  }

  /** Resolves when a write at this member succeeds. */
  serves(name: string): Promise<unknown> {
    const put = async (): Promise<boolean> => (await this.etcdctl(name, 'put', 'k', name)).startsWith('OK');
    return eventually(`${name} serves`, put, 30_000, 100);
  }

  /** Which of these leads, as it says itself. */
  leader(...names: string[]): Promise<string> {
    return eventually('a leader', async () => {
      for (const name of names) {
        const client = this.client(name);
        const status = await client.status().catch(() => undefined);
        client.close();
        if (status !== undefined && status.leader === status.header.memberId) return name;
      }
      return undefined;
    });
  }

  /** Resolves when these are the members, all of them vote, and each serves. */
  async isWhole(...names: string[]): Promise<void> {
    const isVoting = async (): Promise<boolean> => {
      const list = await this.etcdctl(names[0] ?? '', 'member', 'list');
      const voters = list.match(/started.*false/g) ?? [];
      return voters.length === names.length && list.trim().split('\n').length === names.length;
    };
    await eventually('all vote again', isVoting, 30_000, 200);
    for (const name of names) await this.serves(name);
  }

  /** The exit code of a process that ends by itself. */
  ended(child: ChildProcess): Promise<number | null> {
    if (child.exitCode !== null) return Promise.resolve(child.exitCode);
    return new Promise((resolve) => child.once('exit', resolve));
  }

  /** Resolves when one of these members has logged this: the file is a little behind the process. */
  says(names: readonly string[], pattern: RegExp): Promise<unknown> {
    const log = (name: string): string => readFileSync(join(this.folder, `${name}.log`), 'utf8');
    return eventually(`${names.join()} to log ${pattern}`, () =>
      names.some((name) => pattern.test(log(name))),
    );
  }

  endpoints(...names: string[]): string {
    return names.map((name) => this.member(name).client.replace('http://', '')).join(',');
  }

  client(...names: string[]): EtcdClient {
    const endpoints = names.map((name) => this.member(name).client);
    return new EtcdClient({ endpoints, log: silentLogger, clock: realClock });
  }

  /** What it prints, be it an error. */
  etcdctl(at: string, ...args: string[]): Promise<string> {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const all = [`--endpoints=${this.endpoints(at)}`, '--command-timeout=8s', ...args];
    return new Promise((resolve) => {
      execFile('etcdctl', all, { env, timeout: 15_000 }, (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
  }

  /** The id of a member that the cluster knows by this peer URL, in hexadecimal. */
  async idOf(name: string, at: string): Promise<string> {
    const list = await this.etcdctl(at, 'member', 'list');
    const line = list.split('\n').find((each) => each.includes(this.member(name).peer)) ?? '';
    return line.split(',')[0]?.trim() ?? '';
  }

  /** The same for every run: ids and addresses are told by words. */
  plain(text: string): string {
    let plain = text.replaceAll(/"ts":"[^"]*",?/g, '');
    for (const { name, client, peer } of this.#members.values()) {
      plain = plain.replaceAll(client, `<client ${name}>`).replaceAll(peer, `<peer ${name}>`);
      plain = plain.replaceAll(this.endpoints(name), `<at ${name}>`);
    }
    return plain
      .replaceAll(/client-[0-9a-f-]{36}/g, 'client')
      .replaceAll(/ *\b[0-9a-f]{9,16}\b/g, ' <id>')
      .trim();
  }

  async stop(): Promise<void> {
    for (const { child } of this.#members.values()) if (child !== undefined) await endProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
