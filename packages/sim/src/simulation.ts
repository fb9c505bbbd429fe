import { seededRandom, type Random } from '@kubelab/component-base';
import { checkLeaseEnds } from './checks/lease-ends.ts';
import { LeasePromises } from './checks/leases.ts';
import { Observed } from './checks/observed.ts';
import { RaftSafety } from './checks/raft-safety.ts';
import { Revisions } from './checks/revisions.ts';
import { stateHash } from './checks/same-state.ts';
import { checkByRevision } from './checks/serial-order.ts';
import { Violation, require } from './checks/violation.ts';
import { checkKeys } from './checks/wgl.ts';
import { KvClient } from './clients/kv-client.ts';
import type { Operation } from './clients/operation.ts';
import type { Shared } from './clients/requests.ts';
import { WatchClient } from './clients/watch-client.ts';
import { Nemesis } from './nemesis.ts';
import { Operator } from './operator.ts';
import { isDiskError, type SimulationOptions, type SimulationResult, textOf } from './result.ts';
import { type Settings, settingsOf } from './settings.ts';
import { Trace } from './trace.ts';
import { guardGlobals } from './world/guard.ts';
import { SimNetwork } from './world/sim-network.ts';
import { SimNode } from './world/sim-node.ts';
import { type Happening, Timeline } from './world/timeline.ts';

/** After healing: long enough for elections, reading disks, leases that run out, and snapshots to arrive. */
const HEALING_ELECTIONS_MAX = 20;
const RESTART_MS = 500;
const EVENTS_AFTER_MAX = 60_000;
const HASH_EVENTS_MAX = 10_000;
const TEND_MS = 300;
/** As long as one that asks to join may wait for an answer. */
const JOIN_MS = 12_000;
/** Machines that are no members at first. */
const SPARE_COUNT = 2;

export type { SimulationOptions, SimulationResult } from './result.ts';

/** Runs one seed: misfortune for `eventCount` events, then healing, then the final accounts. Throws `Violation`. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options);
  using _guard = guardGlobals(simulation.timeline, (reason) => simulation.unhandled(reason));
  return await simulation.run();
}

class Simulation {
  readonly timeline = new Timeline();
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #settings: Settings;
  readonly #trace: Trace;
  readonly #nodes: SimNode[];
  readonly #raft = new RaftSafety((id) => this.#names.get(id) ?? id);
  /** Raft id → machine. */
  readonly #names = new Map<string, string>();
  readonly #revisions = new Revisions();
  readonly #leases = new LeasePromises();
  readonly #observed = new Observed(this.#revisions, (change) =>
    this.#leases.applied(change, this.timeline.nowMs),
  );
  readonly #operations: Operation[] = [];
  readonly #shared: Shared = { leases: [], revision: 1, compactedMax: 0 };
  readonly #clients: KvClient[];
  readonly #watches: WatchClient[];
  readonly #operator: Operator;
  readonly #network: SimNetwork;
  readonly #nemesis: Nemesis;
  #isHealing = false;
  #isLost = false;
  #failure: unknown;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#trace = new Trace(options.onLine);
    this.#random = seededRandom(options.seed);
    const random = this.#random;
    this.#settings = settingsOf(random);
    const { timeline } = this;
    const settings = this.#settings;
    this.#say('', 'settings', JSON.stringify(settings));
    const network = new SimNetwork({
      timeline,
      random,
      at: (url) => this.#nodes.find(({ urls }) => urls.includes(url)),
      onSent: (message) => this.#raft.sent(message),
    });
    this.#network = network;
    const world = { timeline, network, events: this.#nodeEvents() };
    this.#nodes = Array.from(
      { length: settings.nodeCount + SPARE_COUNT },
      (_, i) => new SimNode(`n${i + 1}`, options.seed * 31 + i, world, settings),
    );
    const nodes = this.#nodes;
    for (const node of nodes.slice(settings.nodeCount)) node.isOut = true;
    for (const node of nodes) {
      this.#names.set(node.id, node.name);
      if (!node.isOut) node.start();
    }
    this.#operator = new Operator({
      timeline,
      random,
      nodes,
      isAlone: settings.nodeCount === 1,
      onAct: (node, note) => this.#say(node?.name ?? '', 'OPERATOR', note),
    });
    this.#nemesis = new Nemesis({
      timeline,
      random,
      settings,
      nodes,
      network,
      operator: this.#operator,
      onHidden: (node) => this.#disconnected(node),
      onFault: (node, note) => this.#say(node?.name ?? '', 'FAULT', note),
      onCrashed: (node) => this.#crashed(node),
    });
    this.#clients = Array.from(
      { length: settings.clientCount },
      (_, i) => new KvClient(i + 1, this.#clientWorld()),
    );
    const watchWorld = {
      timeline,
      random,
      revisions: this.#revisions,
      nodes,
      network: network.mood,
      compactedMax: () => this.#shared.compactedMax,
    };
    this.#watches = Array.from(
      { length: settings.watchCount },
      (_, i) => new WatchClient(`w${i + 1}`, watchWorld),
    );
    this.#watchLife();
  }

  /** A rejection that nobody took ends a process. */
  unhandled(reason: unknown): void {
    const node = this.#nodes.find(({ life }) => life === this.timeline.current);
    if (node !== undefined && isDiskError(reason)) this.#nemesis.crash(node, `gave up: ${textOf(reason)}`);
    else this.#fail(reason);
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason;
  }

  async run(): Promise<SimulationResult> {
    for (let i = 0; i < this.#options.eventCount; ) if (await this.#step()) i++;
    await this.#heal();
    const keysSearched = this.#accounts();
    const watchEventCount = this.#watches.reduce((sum, { eventCount }) => sum + eventCount, 0);
    return {
      seed: this.#options.seed,
      digest: this.#trace.digest(),
      eventCount: this.#trace.lineCount,
      simulatedMs: Math.round(this.timeline.nowMs),
      revision: this.#revisions.last,
      operationCount: this.#operations.length,
      answeredCount: this.#operations.filter(({ outcome }) => outcome === 'ok').length,
      watchEventCount,
      leaderCount: this.#raft.leaderCount,
      keysSearched,
      isLost: this.#isLost,
    };
  }

  /** One event and the checks after it. False: nothing happened. */
  async #step(): Promise<boolean> {
    const happening = await this.timeline.next();
    if (happening === undefined) return false;
    const node = this.#nodes.find(({ name }) => name === happening.node);
    this.#write(happening, node);
    if (node?.running !== undefined) {
      this.#raft.check(node.running.member.raft);
      this.#observed.look(node.name, node.running);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return true;
  }

  /** Liveness: with nothing in the way, all agree soon, everything is answered, no watch lacks anything. */
  async #heal(): Promise<void> {
    this.#say('', 'HEAL', '');
    this.#isHealing = true;
    this.#nemesis.heal();
    const { electionMs } = this.#settings;
    const joinMs = this.#nodes.some(({ isOut, hasData }) => !isOut && !hasData) ? JOIN_MS : 0;
    const patienceMs = PATIENCE_MS + joinMs;
    const untilMs = this.timeline.nowMs + RESTART_MS + HEALING_ELECTIONS_MAX * electionMs + patienceMs;
    let probes: Operation[] | undefined;
    let tendMs = this.timeline.nowMs;
    for (let i = 0; i < EVENTS_AFTER_MAX; i++) {
      await this.#step();
      if (this.timeline.nowMs > tendMs) {
        tendMs = this.timeline.nowMs + TEND_MS;
        this.#operator.tend();
        this.#makeRoom();
      }
      const members = this.#operator.machines().filter(({ isOut }) => !isOut);
      const isSettled = this.#isAgreed(members);
      if (probes === undefined && isSettled)
        probes = members.map((node) => this.#clients[0]?.probe(node)).filter((probe) => probe !== undefined);
      const isAnswered = this.#operations.every(({ outcome }) => outcome !== 'pending');
      if (
        probes !== undefined &&
        isAnswered &&
        isSettled &&
        this.#watches.every((watch) => watch.isCurrent())
      ) {
        if (probes.every(({ outcome }) => outcome === 'ok')) return await this.#compareStates(members);
        // Asked while a member was still about to stop or to leave: once more.
        probes = undefined;
      }
      if (this.timeline.nowMs > untilMs) break;
    }
    if (!this.#operator.hasQuorum()) {
      this.#say('', 'LOST', 'no quorum has its data');
      this.#isLost = true;
      return;
    }
    const states = this.#operator
      .machines()
      .map(({ name, running }) => `${name} ${running === undefined ? 'down' : running.member.applied}`);
    const waiting = this.#operations.filter(({ outcome }) => outcome === 'pending').length;
    const behind = this.#watches.filter((watch) => !watch.isCurrent()).map(({ name }) => name);
    throw new Violation(
      'liveness',
      `${states.join(', ')}; ${waiting} unanswered; watches behind: ${behind.join(' ')}`,
    );
  }

  /** A full store is emptied, and told that it is not full any more. */
  #makeRoom(): void {
    const nodes = this.#operator.machines();
    const full = nodes.find(
      ({ serving }) => serving !== undefined && serving.member.machine.state.alarms.size > 0,
    );
    const [client] = this.#clients;
    if (full === undefined || client === undefined) return;
    const { revision } = this.#shared;
    this.#shared.compactedMax = Math.max(this.#shared.compactedMax, revision);
    client.ask(full, { type: 'delete', key: 'k0', end: 'z' });
    client.ask(full, { type: 'compact', revision });
    client.ask(full, { type: 'disarm' });
  }

  #isAgreed(members: readonly SimNode[]): boolean {
    const [first, ...others] = members.map(({ serving }) => serving);
    const { applied } = first?.member ?? {};
    return (
      applied !== undefined &&
      applied >= this.#raft.committedIndex &&
      members.some(({ running }) => running?.member.leadership.isLeader === true) &&
      others.every((running) => running?.member.applied === applied) &&
      first?.member.machine.state.alarms.size === 0 &&
      members.every(({ running }) => running?.member.raft.status().leadTransferee === undefined) &&
      members.every(({ running }) => running?.member.membership.isLearner === false)
    );
  }

  async #compareStates(members: readonly SimNode[]): Promise<void> {
    const hashes: string[] = [];
    for (const { name, running, life } of members) {
      if (running === undefined) continue;
      const state = stateHash(running);
      this.timeline.at(0, life, { event: 'hash-kv' }, () => {
        running.snapshot.hashKv({ revision: 0 }).then(
          ({ hash }) => hashes.push(`${name} ${state}/${hash}`),
          (error: unknown) => this.#fail(error),
        );
      });
    }
    for (let i = 0; i < HASH_EVENTS_MAX && hashes.length < members.length; i++) await this.#step();
    const isSame = new Set(hashes.map((hash) => hash.split(' ')[1])).size === 1;
    require(isSame && hashes.length === members.length, 'same-state', () => hashes.join(', '));
  }

  /** What clients were told, as a whole. How many keys the second oracle could search. */
  #accounts(): number {
    KvClient.giveUp(this.#operations);
    checkByRevision(this.#operations, this.#revisions);
    checkLeaseEnds(this.#operations, this.#revisions);
    return checkKeys(this.#operations);
  }

  #disconnected(node: SimNode): void {
    for (const watch of this.#watches) watch.nodeCrashed(node);
  }

  #crashed(node: SimNode): void {
    this.#disconnected(node);
    // Mostly the others notice at once, by their connections.
    for (const other of this.#nodes) {
      if (other === node || this.#random.float() < 0.4) continue;
      this.timeline.at(1 + this.#random.float(), other.life, { event: 'peer-gone', note: node.name }, () =>
        other.peerGone(node.id),
      );
    }
  }

  #nodeEvents(): ConstructorParameters<typeof SimNode>[2]['events'] {
    return {
      onStarted: (node) => {
        this.#names.set(node.id, node.name);
        this.#say(node.name, 'started', `as ${node.id}`);
      },
      onLeft: (node) => {
        this.#say(node.name, 'left', '');
        this.#crashed(node);
      },
      onFatal: (node, msg, error) => {
        if (error instanceof Violation) return this.#fail(error);
        if (msg.includes('an earlier life')) return this.#retire(node, error);
        if (!isDiskError(error))
          return this.#fail(new Violation('fatal', `${node.name}: ${msg}: ${textOf(error)}`));
        this.#nemesis.crash(node, `gave up, ${msg}: ${textOf(error)}`);
      },
      onStartFailed: (node, error) => {
        if (isDiskError(error)) return this.#nemesis.crash(node, `start failed: ${textOf(error)}`);
        // Also of one that has only begun to join: it says that its disk should be emptied.
        if (node.isDamaged) return this.#retire(node, error);
        if (!node.hasData) return this.#nemesis.crash(node, `is not admitted: ${textOf(error)}`);
        this.#fail(new Violation('start', `${node.name} does not start: ${textOf(error)}`));
      },
    };
  }

  /** It does not come back but with an empty disk. */
  #retire(node: SimNode, error: unknown): void {
    node.isRetired = true;
    node.isDamaged = true;
    node.crash('none-lost');
    this.#say(node.name, 'retired', textOf(error));
    this.#crashed(node);
  }

  #clientWorld(): ConstructorParameters<typeof KvClient>[1] {
    return {
      timeline: this.timeline,
      random: this.#random,
      nodes: this.#nodes,
      network: this.#network.mood,
      lossRate: this.#settings.clientLossRate,
      operations: this.#operations,
      shared: this.#shared,
      richShare: this.#settings.richShare,
      onAsk: (operation) => this.#leases.asked(operation),
      onAnswer: (operation) => this.#leases.answered(operation, this.timeline.nowMs),
      isOver: () => this.#isHealing,
    };
  }

  /** Watches change members, and ask how far they are, now and then. */
  #watchLife(): void {
    this.timeline.at(200 * this.#random.float(), undefined, { event: 'watch-whim' }, () => {
      if (this.#isHealing) return;
      const watch = this.#watches[this.#random.int(this.#watches.length)];
      const dice = this.#random.float();
      if (dice < 0.25) watch?.switch();
      else if (dice < 0.5) watch?.cancelOne();
      else watch?.requestProgress();
      this.#watchLife();
    });
  }

  #write(happening: Happening, node: SimNode | undefined): void {
    const status = node?.running?.member.raft.status();
    this.#trace.add({
      timeMs: this.timeline.nowMs,
      role: status?.role ?? '',
      term: status?.term ?? 0,
      commit: status?.commit ?? 0,
      ...happening,
    });
  }

  #say(node: string, event: string, note: string): void {
    this.#trace.add({ timeMs: this.timeline.nowMs, node, event, role: '', term: 0, commit: 0, note });
  }
}

const PATIENCE_MS = 3000;
