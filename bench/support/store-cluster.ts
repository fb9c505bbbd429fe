import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/etcd';
import { endProcess, freePort } from '@kubelab/rpc/testing';

export type StoreProgram = 'etcd-lite' | 'etcd';

const COMMANDS: Readonly<Record<StoreProgram, readonly string[]>> = {
  'etcd-lite': [process.execPath, fileURLToPath(import.meta.resolve('@kubelab/etcd-lite/main'))],
  etcd: ['etcd', '--log-level=error'],
};

const LEADER_MS = 20_000;
/** A store that is asked to stop writes its state first; etcd hands its leadership over. */
const STOP_MS = 20_000;

export interface StoreMember {
  readonly name: string;
  /** Where it keeps its data. */
  readonly folder: string;
  /** `127.0.0.1:2379`, for clients. */
  readonly endpoint: string;
}

interface MemberProcess extends StoreMember {
  readonly words: readonly string[];
  child: ChildProcess | undefined;
}

export interface StoreOptions {
  /** More flags, for every member. */
  readonly flags?: readonly string[];
  /** Clients must use TLS; members among themselves do not. */
  readonly scheme?: 'http' | 'https';
}

/** A store of some members on loopback; both programs take the same flags. */
export class StoreCluster {
  readonly program: StoreProgram;
  readonly folder: string;
  readonly #members: readonly MemberProcess[];
  /** For questions, not for load. */
  readonly client: EtcdClient;

  private constructor(program: StoreProgram, folder: string, members: MemberProcess[]) {
    this.program = program;
    this.folder = folder;
    this.#members = members;
    const endpoints = members.map(({ endpoint }) => `http://${endpoint}`);
    this.client = new EtcdClient({ endpoints, log: silentLogger, clock: realClock });
  }

  static async start(program: StoreProgram, size: number, options: StoreOptions = {}): Promise<StoreCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-bench-store-'));
    const { scheme = 'http', flags: more = [] } = options;
    const ports: { endpoint: string; peer: string }[] = [];
    for (let i = 0; i < size; i++) {
      const [client, peer] = [await freePort(), await freePort()];
      ports.push({ endpoint: `127.0.0.1:${client}`, peer: `http://127.0.0.1:${peer}` });
    }
    const initialCluster = ports.map(({ peer }, i) => `m${i}=${peer}`).join(',');
    const members = ports.map(({ endpoint, peer }, i): MemberProcess => {
      const data = join(folder, `m${i}`);
      const flags = {
        name: `m${i}`,
        'data-dir': data,
        'listen-client-urls': `${scheme}://${endpoint}`,
        'advertise-client-urls': `${scheme}://${endpoint}`,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': initialCluster,
      };
      const own = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
      const words = [...COMMANDS[program], ...own, ...more];
      return { name: `m${i}`, folder: data, endpoint, words, child: undefined };
    });
    const cluster = new StoreCluster(program, folder, members);
    for (const member of members) cluster.startMember(member);
    return cluster;
  }

  get members(): readonly StoreMember[] {
    return this.#members;
  }

  get endpoints(): readonly string[] {
    return this.#members.map(({ endpoint }) => endpoint);
  }

  /** Of the members that run. */
  get pids(): readonly number[] {
    return this.#members.flatMap(({ child }) => child?.pid ?? []);
  }

  startMember(which: StoreMember): void {
    const member = this.#processOf(which);
    const [command = '', ...words] = member.words;
    const log = openSync(`${member.folder}.log`, 'a');
    member.child = spawn(command, words, { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  /** Resolves when it has ended. One that does not follow SIGTERM is killed, and that is an error. */
  async endMember(which: StoreMember, signal: NodeJS.Signals): Promise<void> {
    const member = this.#processOf(which);
    const { child } = member;
    member.child = undefined;
    if (child === undefined) return;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, STOP_MS);
    await endProcess(child, signal);
    clearTimeout(timer);
    if (isLate) throw new Error(`${this.program} ${member.name} went on ${STOP_MS / 1000} s after ${signal}`);
  }

  /** The member that leads; waits until there is one. */
  leader(): Promise<StoreMember> {
    return eventually('the store has a leader', () => this.#findLeader(), LEADER_MS);
  }

  async #findLeader(): Promise<StoreMember | undefined> {
    for (const member of this.#members) {
      await this.#assertAlive(member);
      const url = `http://${member.endpoint}`;
      const status = await this.client.status(url, { timeoutMs: 1000 }).catch(() => undefined);
      if (status !== undefined && status.leader === status.header.memberId) return member;
    }
    return undefined;
  }

  /** One that could not start says why in its log. */
  async #assertAlive({ child, name, folder }: MemberProcess): Promise<void> {
    if (child === undefined || (child.exitCode === null && child.signalCode === null)) return;
    const lines = (await readFile(`${folder}.log`, 'utf8')).trim().split('\n');
    const telling = lines.find((line) => /error|fatal|panic/i.test(line)) ?? lines.at(-1);
    throw new Error(`${this.program} ${name} has ended: ${telling}`);
  }

  async stop(): Promise<void> {
    this.client.close();
    for (const { child } of this.#members) if (child !== undefined) await endProcess(child);
    await rm(this.folder, { recursive: true, force: true });
  }

  #processOf({ name }: StoreMember): MemberProcess {
    const member = this.#members.find((each) => each.name === name);
    if (member === undefined) throw new Error(`the store has no member ${name}`);
    return member;
  }
}
