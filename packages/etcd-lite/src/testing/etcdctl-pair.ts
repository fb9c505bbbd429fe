import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { endProcess, freePort, type TestStore } from '@kubelab/rpc/testing';
import { type Target, targets } from './targets.ts';

/** What one command said, in words that are the same for every store and every run. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What may differ between two stores, or two runs, and what stands for it. */
const NORMALISATIONS: readonly (readonly [RegExp, string, because: string])[] = [
  [/^\{"level":"info".*\n/gm, '', 'the client logs its progress with times, once more or once less'],
  [
    /^\{"level":"warn".*retrying of unary invoker failed.*context canceled.*\n/gm,
    '',
    'the client warns of a call that an interrupt has cut off, if there was one',
  ],
  [/"ts":("[^"]*"|[\d.]+),/g, '', 'the time of a line in its log'],
  [/"took":[\d.]+/g, '"took":…', 'a time'],
  [/endpoint:\/\/client-[0-9a-f-]{36}/g, 'endpoint://client', 'the client names its connections by chance'],
  [/"(cluster_id|member_id|ID|leader)":\d+/g, '"$1":…', 'an id follows from addresses and time'],
  [/^"(\w*ID|Leader)" ?: ?\d+$/gm, '"$1" : …', 'the same as fields'],
  [/("Lease" : |"id":)[1-9]\d*/g, '$1…', 'an id of a lease'],
  [/\b[0-9a-f]{10,16}\b/g, '<id>', 'the same in hexadecimal, without leading zeroes'],
  [/\n\ngoroutine 1[^]*/g, '', 'where in its memory the client has died'],
  [/(true|false), \d+, \d+, \d+, /g, '$1, …, ', 'term and indexes of the log'],
  [/((?:true|false) +\|)( +\d+ \|){3}/g, '$1 … |', 'the same in a table'],
  [/\b[\d.]+(ms|µs|Âµs)/g, '… ms', 'a time'],
  [/\b(raft_term|raftIndex|raftTerm|raftAppliedIndex)":\d+/g, '$1":…', 'entries and elections, not requests'],
  [/"(RaftTerm|RaftIndex|RaftAppliedIndex)" : \d+/g, '"$1" : …', 'the same as fields'],
  [/took = [^\s"]+( ms)?|"took":"[^"]*"/g, 'took …', 'a time'],
  [/"(dbSize|dbSizeInUse)":\d+/g, '"$1":…', "bbolt's pages are not our log"],
  [/"(DBSize|DBSizeInUse)" : \d+/g, '"$1" : …', 'the same as fields'],
  [/\d+(\.\d+)? [kM]B\b/g, '… kB', 'the same in words'],
  [/\b3\.[45]\.\d+/g, '<version>', 'the version'],
  [/remaining\(\d+s\)/g, 'remaining(…)', 'a time'],
  [/"ttl":\d+/g, '"ttl":…', 'a time'],
];

/** The table's columns are as wide as what was in them. */
const isTable = (text: string): boolean => text.startsWith('+--');
const narrow = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');

interface Side {
  readonly store: TestStore;
  /** `host:port` */
  readonly endpoint: string;
  readonly folder: string;
  /** What a step has kept of its output: `$name` in later words. */
  readonly kept: Map<string, string>;
}

/** The machine's etcdctl, given the same words for a real etcd and for ours. */
export class EtcdctlPair {
  readonly #sides: readonly Side[];
  private constructor(sides: readonly Side[]) {
    this.#sides = sides;
  }

  static readonly skip: Target['skip'] = targets.find(({ skip }) => skip !== false)?.skip ?? false;

  static async start(): Promise<EtcdctlPair> {
    const stores = await Promise.all(targets.map((target) => target.start()));
    const endpoints = stores.map((store) => must(store.endpoints[0]).replace('http://', ''));
    const sides = stores.map(async (store, at): Promise<Side> => {
      const folder = await mkdtemp(join(tmpdir(), 'etcdctl-'));
      const endpoint = must(endpoints[at]);
      const port = String(await freePort());
      return {
        store,
        endpoint,
        folder,
        kept: new Map([
          ['folder', folder],
          ['at', endpoint],
          ['other', must(endpoints[1 - at])],
          ['nobody', port],
        ]),
      };
    });
    return new EtcdctlPair(await Promise.all(sides));
  }

  /** etcd's, and ours. */
  get endpoints(): string[] {
    return this.#sides.map(({ store }) => must(store.endpoints[0]));
  }

  async stop(): Promise<void> {
    for (const { store, folder } of this.#sides) {
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** What both say: etcd's and ours. `keep`: a name for the first group of the expression, in what is printed. */
  run(words: string, input = '', keep?: readonly [name: string, find: RegExp]): Promise<[Said, Said]> {
    return inBoth(this.#sides, async (side) => {
      const running = new Running(side, this.#words(side, words));
      running.say(input);
      const said = await running.end();
      if (keep !== undefined) side.kept.set(keep[0], must(keep[1].exec(running.output)?.[1], running.output));
      return said;
    });
  }

  /** Starts one that runs on; `first` tells when it is under way. */
  async begin(words: string, first?: RegExp, input = ''): Promise<RunningPair> {
    const each = this.#sides.map((side) => new Running(side, this.#words(side, words)));
    for (const running of each) running.write(input);
    const pair = new RunningPair(each);
    if (first !== undefined) await pair.until(first);
    return pair;
  }

  /** Says it again until both print this; what they said then. */
  async poll(words: string, wanted: RegExp): Promise<[Said, Said]> {
    return eventually(
      words,
      async () => {
        const said = await this.run(words);
        return said.every(({ stdout }) => wanted.test(stdout)) ? said : undefined;
      },
      15_000,
    );
  }

  /** Says it again until those that run on have noticed. */
  async until(running: RunningPair, words: string, noticed: RegExp): Promise<void> {
    await eventually(
      words,
      async () => {
        await this.run(words);
        return running.have(noticed) || undefined;
      },
      15_000,
    );
  }

  /** The same in both. */
  async revision(): Promise<number> {
    const [theirs, ours] = await this.run('get x -w json');
    if (ours.stdout !== theirs.stdout) throw new Error(`${ours.stdout} is not ${theirs.stdout}`);
    return Number(/"revision":(\d+)/.exec(ours.stdout)?.[1]);
  }

  #words({ endpoint, kept }: Side, words: string): string[] {
    const own = words
      .split(' ')
      .map((word) =>
        word.replaceAll(/\$(\w+)/g, (all, name: string) => kept.get(name) ?? all).replaceAll('␣', ' '),
      );
    return own.some((word) => word.startsWith('--endpoints')) ? own : [`--endpoints=${endpoint}`, ...own];
  }
}

async function inBoth<T>(each: readonly T[], act: (one: T) => Promise<Said>): Promise<[Said, Said]> {
  const [theirs, ours] = await Promise.all(each.map(act));
  return [must(theirs), must(ours)];
}

export class RunningPair {
  readonly #each: readonly Running[];
  constructor(each: readonly Running[]) {
    this.#each = each;
  }

  /** Until both have printed it. */
  async until(text: RegExp): Promise<void> {
    for (const running of this.#each) {
      await eventually(
        `${text.source} in ${JSON.stringify(running.output)}`,
        () => text.test(running.output) || undefined,
        15_000,
      );
    }
  }

  write(input: string): void {
    for (const running of this.#each) running.write(input);
  }

  /** Whether both have printed it. */
  have(text: RegExp): boolean {
    return this.#each.every(({ output }) => text.test(output));
  }

  /** Ends both by a signal: what they have said. */
  end(signal: NodeJS.Signals): Promise<[Said, Said]> {
    for (const running of this.#each) running.signal(signal);
    return inBoth(this.#each, (running) => running.end());
  }
}

class Running {
  readonly #side: Side;
  readonly #child: ChildProcess;
  readonly #over: Promise<void>;
  #stdout = '';
  #stderr = '';

  constructor(side: Side, words: readonly string[]) {
    this.#side = side;
    const env = { ...process.env, ETCDCTL_API: '3' };
    this.#child = spawn('etcdctl', words, { env, stdio: 'pipe' });
    this.#over = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stdin?.on('error', () => undefined);
    // Bytes as they are: an output may be Protocol Buffers.
    this.#child.stdout?.setEncoding('latin1').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('latin1').on('data', (text: string) => (this.#stderr += text));
  }

  get output(): string {
    return this.#stdout + this.#stderr;
  }

  write(input: string): void {
    if (input !== '') this.#child.stdin?.write(input);
  }

  /** The last words to it. */
  say(input: string): void {
    this.#child.stdin?.end(input);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<Said> {
    const late = setTimeout(() => void endProcess(this.#child), 20_000);
    await this.#over;
    clearTimeout(late);
    return {
      code: this.#child.exitCode,
      stdout: this.#plain(this.#stdout),
      stderr: this.#plain(this.#stderr),
    };
  }

  #plain(text: string): string {
    const { endpoint, folder, kept } = this.#side;
    let plain = text.replaceAll(endpoint, '<endpoint>').replaceAll(folder, '<folder>');
    plain = plain.replaceAll(/127\.0\.0\.1:\d+/g, '<address>');
    for (const [name, value] of kept) plain = plain.replaceAll(value, `<${name}>`);
    for (const [find, put] of NORMALISATIONS) plain = plain.replaceAll(find, put);
    return isTable(plain) ? narrow(plain) : withoutHeader(plain);
  }
}

/** Of Protocol Buffers: without the first field, the header, whose ids are numbers of different length. */
function withoutHeader(text: string): string {
  const length = text.charCodeAt(1);
  return text.startsWith('\n') && length > 8 && length < 64 ? text.slice(2 + length) : text;
}
