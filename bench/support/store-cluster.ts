import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/client';
import { endProcess, freePort } from '@kubelab/rpc/testing';
import { spawnChild } from './children.ts';

export type StoreProgram = 'etcd-lite' | 'etcd';

const COMMANDS: Readonly<Record<StoreProgram, readonly string[]>> = {
  'etcd-lite': [
    process.execPath,
    '--v8-pool-size=1',
    fileURLToPath(import.meta.resolve('@kubelab/etcd-lite/main')),
  ],
  etcd: ['etcd', '--log-level=error'],
};

/** As `./kubelab` starts every process, with the flag above: compiled code is kept, freed memory is not kept for each thread. */
const KUBELAB_ENVIRONMENT = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/kubelab', import.meta.url)),
  MALLOC_ARENA_MAX: '1',
};

const LEADER_MS = 20_000;
/** A store that is asked to stop writes its state first; etcd hands its leadership over. */
const STOP_MS = 20_000;

/** Of a member's last words. */
const LOG_CHARACTERS_MAX = 300;

export interface StoreMember {
  readonly name: string;
  /** Where it keeps its data. */
  readonly folder: string;
  /** `127.0.0.1:2379`, for clients. */
  readonly endpoint: string;
  /** The same with its scheme. */
  readonly url: string;
}

interface MemberProcess extends StoreMember {
  readonly words: readonly string[];
  child: ChildProcess | undefined;
}

/** PEM files for loopback. */
export interface StoreTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface StoreOptions {
  /** Clients must use TLS; members among themselves do not. */
  readonly tls?: StoreTls;
}

/** A store of some members on loopback; both programs take the same flags. */
export class StoreCluster {
  readonly program: StoreProgram;
  readonly folder: string;
  readonly #members: readonly MemberProcess[];
  /** For questions, not for load. */
  readonly client: EtcdClient;

  private constructor(program: StoreProgram, folder: string, members: MemberProcess[], tls?: StoreTls) {
    this.program = program;
    this.folder = folder;
    this.#members = members;
    const endpoints = members.map(({ url }) => url);
    const trust = tls === undefined ? {} : { tls: { ca: readFileSync(tls.ca) } };
    this.client = new EtcdClient({ endpoints, log: silentLogger, clock: realClock, ...trust });
  }

  static async start(program: StoreProgram, size: number, options: StoreOptions = {}): Promise<StoreCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-bench-store-'));
    const { tls } = options;
    const ports: { endpoint: string; peer: string }[] = [];
    for (let i = 0; i < size; i++) {
      const [client, peer] = [await freePort(), await freePort()];
      ports.push({ endpoint: `127.0.0.1:${client}`, peer: `http://127.0.0.1:${peer}` });
    }
    const initialCluster = ports.map(({ peer }, i) => `m${i}=${peer}`).join(',');
    const members = ports.map(({ endpoint, peer }, i): MemberProcess => {
      const data = join(folder, `m${i}`);
      const url = `${tls === undefined ? 'http' : 'https'}://${endpoint}`;
      const flags = {
        name: `m${i}`,
        'data-dir': data,
        'listen-client-urls': url,
        'advertise-client-urls': url,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': initialCluster,
        ...(tls === undefined ? {} : { 'cert-file': tls.cert, 'key-file': tls.key }),
      };
      const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
      return {
        name: `m${i}`,
        folder: data,
        endpoint,
        url,
        words: [...COMMANDS[program], ...words],
        child: undefined,
      };
    });
    const cluster = new StoreCluster(program, folder, members, tls);
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
    member.child = spawnChild(command, words, {
      stdio: ['ignore', log, log],
      env: { ...KUBELAB_ENVIRONMENT, ...process.env },
    });
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
      await assertAlive(member, this.program);
      const status = await this.client.status(member.url, { timeoutMs: 1000 }).catch(() => undefined);
      if (status !== undefined && status.leader === status.header.memberId) return member;
    }
    return undefined;
  }

  /** Throws when a member has ended that nobody ended: what a load says of it is but the consequence. */
  async assertAlive(): Promise<void> {
    for (const member of this.#members) await assertAlive(member, this.program);
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

/** One that could not start, or broke off, says why in its log. */
async function assertAlive({ child, name, folder }: MemberProcess, program: StoreProgram): Promise<void> {
  if (child === undefined || (child.exitCode === null && child.signalCode === null)) return;
  const lines = (await readFile(`${folder}.log`, 'utf8')).trim().split('\n');
  const telling = lines.findLast((line) => /error|fatal|panic/i.test(line)) ?? lines.at(-1);
  throw new Error(`${program} ${name} has ended: ${telling?.slice(0, LOG_CHARACTERS_MAX)}`);
}
