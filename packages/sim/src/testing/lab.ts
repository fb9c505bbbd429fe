import { must, seededRandom } from '@kubelab/component-base';
import { WatchSession } from '@kubelab/etcd-lite';
import { bytesOf } from '@kubelab/rpc/etcd';
import type { Message } from 'raft-consensus';
import { stateHash } from '../checks/same-state.ts';
import { call, storeOf } from '../clients/call.ts';
import type { Answer, Request } from '../clients/operation.ts';
import { type Received, receivedFrom } from '../clients/received.ts';
import { guardGlobals } from '../world/guard.ts';
import type { Tearing } from '../world/inode.ts';
import { SimNetwork } from '../world/sim-network.ts';
import { type NodeSettings, type Running, SimNode } from '../world/sim-node.ts';
import { Timeline } from '../world/timeline.ts';

/** Simulated; what takes longer never happens. */
const PATIENCE_MS = 20_000;

/** What was asked for and is under way. */
export interface Pending<T> {
  state: 'pending' | 'ok' | 'failed';
  value: T | undefined;
  error: unknown;
}

export interface WatchInLab {
  readonly received: Received[];
  /** The same, by the watch's id. */
  readonly byId: Map<number, Received[]>;
  readonly session: WatchSession;
  /** From now on the client takes so many responses, and then no more. */
  read(count: number): void;
}

/** A simulated cluster in the hands of a test, in which nothing goes wrong but what the test does. */
export class Lab {
  readonly timeline = new Timeline();
  readonly nodes: SimNode[];
  readonly #makeNode: (name: string) => SimNode;
  readonly network: SimNetwork;
  /** Called as a member sends something: still in time to cut it off. */
  onSent: (message: Message) => void = () => undefined;
  readonly #failures: unknown[] = [];

  private constructor(settings: Partial<NodeSettings>, seed: number) {
    const { timeline } = this;
    this.network = new SimNetwork({
      timeline,
      random: seededRandom(seed),
      at: (url) => this.nodes.find(({ urls }) => urls.includes(url)),
      onSent: (message) => this.onSent(message),
    });
    const events = {
      onStarted: () => undefined,
      onFatal: (node: SimNode, _: string, error: unknown) => void (node.isUp && this.#failures.push(error)),
      onStartFailed: (_: SimNode, error: unknown) => void this.#failures.push(error),
      onLeft: () => undefined,
    };
    const all: NodeSettings = {
      ...{ nodeCount: 3, heartbeatMs: 50, electionMs: 500, snapshotCount: 10_000, walSegmentBytes: 65_536 },
      ...settings,
    };
    const world = { timeline, network: this.network, events };
    this.#makeNode = (name) => new SimNode(name, seed * 31 + this.nodes.length, world, all);
    this.nodes = [];
    for (let i = 1; i <= all.nodeCount; i++) this.nodes.push(this.#makeNode(`n${i}`));
  }

  /** Runs a scenario in a lab of its own, all of whose members are up, with a leader. */
  static async run(
    scenario: (lab: Lab) => Promise<void>,
    settings: Partial<NodeSettings> = {},
    seed = 1,
  ): Promise<void> {
    const lab = new Lab(settings, seed);
    using _guard = guardGlobals(lab.timeline, (reason) => void lab.#failures.push(reason));
    for (const node of lab.nodes) node.start();
    await lab.until('a leader', () => lab.nodes.every(isUp) && lab.nodes.some(isLeader));
    await scenario(lab);
  }

  /** One more machine becomes a member; resolves when it is a voter. */
  async join(name: string): Promise<SimNode> {
    const node = this.#makeNode(name);
    node.joins([...this.nodes, node].map((each) => `${each.name}=${each.url}`));
    const request = { peerURLs: [node.url], isLearner: true, autoPromote: true, replaces: 0 };
    await this.ask(this.leader, ({ cluster }) => cluster.add(request));
    this.nodes.push(node);
    node.start();
    const isVoter = (): boolean | undefined => node.running?.member.membership.self?.isLearner === false;
    await this.until(`${name} is a voter`, () => isVoter() === true);
    return node;
  }

  get leader(): SimNode {
    return must(this.nodes.find(isLeader), 'a leader');
  }
  get followers(): SimNode[] {
    return this.nodes.filter((node) => !isLeader(node));
  }

  /** Lets things happen until `check` holds. */
  async until(what: string, check: () => boolean): Promise<void> {
    const untilMs = this.timeline.nowMs + PATIENCE_MS;
    while (!check()) {
      if (this.timeline.nowMs > untilMs) throw new Error(`not within ${PATIENCE_MS} simulated ms: ${what}`);
      await this.timeline.next();
      if (this.#failures.length > 0) throw this.#failures[0];
    }
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.timeline.nowMs + ms;
    this.timeline.at(ms, undefined, { event: 'test' }, () => undefined);
    await this.until(`${ms} ms`, () => this.timeline.nowMs >= untilMs);
  }

  /** Runs in the member's process. */
  begin<T>(node: SimNode, fn: (running: Running) => Promise<T>): Pending<T> {
    const pending: Pending<T> = { state: 'pending', value: undefined, error: undefined };
    this.timeline.at(0, node.life, { event: 'request' }, () => {
      fn(must(node.running, `${node.name} runs`)).then(
        (value) => Object.assign(pending, { state: 'ok', value }),
        (error: unknown) => Object.assign(pending, { state: 'failed', error }),
      );
    });
    return pending;
  }

  /** Rejects with what the member rejects with. */
  async ask<T>(node: SimNode, fn: (running: Running) => Promise<T>): Promise<T> {
    const pending = this.begin(node, fn);
    await this.until('an answer', () => pending.state !== 'pending');
    if (pending.state === 'failed') throw pending.error;
    return pending.value as T;
  }

  request(node: SimNode, request: Request): Promise<Answer> {
    return this.ask(node, (running) => call(storeOf(running), request));
  }

  beginPut(node: SimNode, key: string, value: string): Pending<Answer> {
    return this.begin(node, (running) => call(storeOf(running), { type: 'put', key, value, lease: 0 }));
  }

  /** Resolves to the revision. */
  async put(node: SimNode, key: string, value: string, lease = 0): Promise<number> {
    return (await this.request(node, { type: 'put', key, value, lease })).revision;
  }

  watch(
    node: SimNode,
    { key, end = '', from = 0, id = 0 }: { key: string; end?: string; from?: number; id?: number },
    shared?: WatchInLab,
  ): WatchInLab {
    const watch = shared ?? openSession(must(node.running, `${node.name} runs`));
    this.timeline.at(0, node.life, { event: 'watch-create' }, () =>
      watch.session.request({
        createRequest: {
          key: bytesOf(key),
          rangeEnd: bytesOf(end),
          startRevision: from,
          progressNotify: false,
          filters: [],
          prevKv: true,
          watchId: id,
          fragment: false,
        },
        cancelRequest: null,
        progressRequest: null,
      }),
    );
    return watch;
  }

  /** The member and the others hear nothing of each other. */
  isolate(node: SimNode): void {
    for (const other of this.nodes) {
      this.network.mood.blocked.add(`${node.name}>${other.name}`);
      this.network.mood.blocked.add(`${other.name}>${node.name}`);
    }
  }

  heal(): void {
    this.network.mood.blocked.clear();
  }

  /** Power is lost, and comes back. Resolves when the member serves again. */
  async restart(node: SimNode, tearing: Tearing = 'all-lost'): Promise<void> {
    node.crash(tearing);
    node.disk.mood.onOperation = () => undefined;
    node.start();
    await this.until(`${node.name} runs`, () => isUp(node));
  }

  /** All have applied the same, and hold the same. */
  async untilSame(): Promise<void> {
    await this.until('all are as far', () => {
      const [first, ...others] = this.nodes.map(({ running }) => running?.member.applied);
      return this.nodes.some(isLeader) && others.every((applied) => applied === first);
    });
    const hashes = this.nodes.map(({ running }) => stateHash(must(running)));
    if (new Set(hashes).size !== 1) throw new Error(`states differ: ${hashes.join(', ')}`);
  }

  /** The store's revision at a member. */
  revisionAt({ running }: SimNode): number {
    return must(running).member.machine.store.revision;
  }
}

/** What a watch was told, in short: `k=v@revision`, `-k@revision` for a deletion. */
export function eventsOf(received: readonly Received[]): string[] {
  return received
    .flatMap(({ events }) => events)
    .map(({ key, value, revision }) =>
      value === undefined ? `-${key}@${revision}` : `${key}=${value}@${revision}`,
    );
}

function openSession({ member }: Running): WatchInLab {
  const received: Received[] = [];
  let room = Number.POSITIVE_INFINITY;
  const byId: WatchInLab['byId'] = new Map();
  const send: ConstructorParameters<typeof WatchSession>[1]['send'] = (response) => {
    const one = receivedFrom(response);
    const id = response.watchId ?? 0;
    received.push(one);
    byId.set(id, [...(byId.get(id) ?? []), one]);
    return --room > 0;
  };
  const session = new WatchSession(member, { send }, PROGRESS_MS);
  const read = (count: number): void => {
    room = count;
    if (count > 0) session.drained();
  };
  return { received, byId, session, read };
}

const PROGRESS_MS = 600_000;

function isUp({ running }: SimNode): boolean {
  return running !== undefined;
}

function isLeader({ running }: SimNode): boolean {
  return running?.member.leadership.isLeader === true;
}
