import { seededRandom, type Random } from '@kubelab/component-base';
import { LeasePromises } from './checks/leases.ts';
import { RaftSafety } from './checks/raft-safety.ts';
import { Revisions, type Told } from './checks/revisions.ts';
import { stateHash } from './checks/same-state.ts';
import { checkByRevision } from './checks/serial-order.ts';
import { Violation, require } from './checks/violation.ts';
import { checkKeys } from './checks/wgl.ts';
import { KvClient } from './clients/kv-client.ts';
import type { Operation } from './clients/operation.ts';
import type { Shared } from './clients/requests.ts';
import { WatchClient } from './clients/watch-client.ts';
import { Nemesis } from './nemesis.ts';
import { type Settings, settingsOf } from './settings.ts';
import { Trace } from './trace.ts';
import { guardGlobals } from './world/guard.ts';
import { SimNetwork } from './world/sim-network.ts';
import { type Running, SimNode } from './world/sim-node.ts';
import { type Happening, Timeline } from './world/timeline.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Events before the world is healed. */
  readonly eventCount: number;
  readonly onLine?: (line: string, event: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** SHA-256 of the trace. */
  readonly digest: string;
  readonly eventCount: number;
  readonly simulatedMs: number;
  readonly revision: number;
  readonly operationCount: number;
  readonly answeredCount: number;
  readonly watchEventCount: number;
  readonly leaderCount: number;
  readonly keysSearched: number;
}

/** After healing: long enough for elections, reading disks, leases that run out, and snapshots to arrive. */
const HEALING_ELECTIONS_MAX = 20;
const RESTART_MS = 500;
const EVENTS_AFTER_MAX = 60_000;

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
  readonly #raft = new RaftSafety((id) => this.#nodes.find((node) => node.id === id)?.name ?? id);
  readonly #revisions = new Revisions();
  readonly #leases = new LeasePromises();
  /** How far each running member's store has been looked at. */
  readonly #looked = new WeakMap<Running, number>();
  readonly #operations: Operation[] = [];
  readonly #shared: Shared = { leases: [], revision: 1, compactedMax: 0 };
  readonly #clients: KvClient[];
  readonly #watches: WatchClient[];
  readonly #nemesis: Nemesis;
  #isHealing = false;
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
      endpointOf: (id) => this.#nodes.find((node) => node.id === id),
      onSent: (message) => this.#raft.sent(message),
    });
    const world = { timeline, network, events: this.#nodeEvents() };
    this.#nodes = Array.from(
      { length: settings.nodeCount },
      (_, i) => new SimNode(`n${i + 1}`, options.seed * 31 + i, world, settings),
    );
    const nodes = this.#nodes;
    for (const node of nodes) node.start();
    this.#nemesis = new Nemesis({
      timeline,
      random,
      settings,
      nodes,
      network,
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
      compactedMax: () => this.#shared.compactedMax,
    };
    const ranges = [
      ['a', 'z'],
      ['k1', undefined],
      ['k2', 'k5'],
    ] as const;
    this.#watches = ranges
      .slice(0, settings.watchCount)
      .map((range, i) => new WatchClient(`w${i + 1}`, range, watchWorld));
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
      this.#look(node.name, node.running);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return true;
  }

  /** What the member has applied since last time, held against what others have. */
  #look(name: string, running: Running): void {
    const { store } = running.member.machine;
    const from = (this.#looked.get(running) ?? 1) + 1;
    if (store.revision < from) {
      require(store.revision === from - 1, 'revision-forward', () =>
        `${name}: revision ${from - 1} → ${store.revision}`);
      return;
    }
    this.#looked.set(running, store.revision);
    const { log, start } = store.changesSince(Math.max(from, store.compactRevision));
    const byRevision = new Map<number, Told[]>();
    for (const version of log.slice(start)) {
      const told: Told = {
        key: version.history.text,
        value: version.version === 0 ? undefined : Buffer.from(version.value).toString('latin1'),
        revision: version.modRevision,
        createRevision: version.createRevision,
        version: version.version,
        lease: Number(version.lease),
      };
      const list = byRevision.get(version.modRevision);
      if (list === undefined) byRevision.set(version.modRevision, [told]);
      else list.push(told);
    }
    for (const [revision, told] of byRevision) {
      // At the compacted revision itself only what is still there can be told, after a restart.
      if (revision === store.compactRevision && this.#revisions.has(revision)) continue;
      if (!this.#revisions.tell(name, revision, told)) continue;
      for (const change of this.#revisions.at(revision)) this.#leases.applied(change, this.timeline.nowMs);
    }
  }

  /** Liveness: with nothing in the way, all agree soon, everything is answered, no watch lacks anything. */
  async #heal(): Promise<void> {
    this.#say('', 'HEAL', '');
    this.#isHealing = true;
    this.#nemesis.heal();
    const { electionMs } = this.#settings;
    const untilMs = this.timeline.nowMs + RESTART_MS + HEALING_ELECTIONS_MAX * electionMs + PATIENCE_MS;
    let probes: Operation[] | undefined;
    for (let i = 0; i < EVENTS_AFTER_MAX; i++) {
      await this.#step();
      const members = this.#nodes.filter(({ isRetired }) => !isRetired);
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
        require(probes.every(({ outcome }) => outcome === 'ok'), 'liveness', () =>
          'a member answers no more');
        return this.#compareStates(members);
      }
      if (this.timeline.nowMs > untilMs) break;
    }
    const states = this.#nodes.map(
      ({ name, running }) => `${name} ${running === undefined ? 'down' : running.member.applied}`,
    );
    const waiting = this.#operations.filter(({ outcome }) => outcome === 'pending').length;
    const behind = this.#watches.filter((watch) => !watch.isCurrent()).map(({ name }) => name);
    throw new Violation(
      'liveness',
      `${states.join(', ')}; ${waiting} unanswered; watches behind: ${behind.join(' ')}`,
    );
  }

  #isAgreed(members: readonly SimNode[]): boolean {
    const [first, ...others] = members.map(({ running }) => running);
    const { applied } = first?.member ?? {};
    return (
      applied !== undefined &&
      applied >= this.#raft.committedIndex &&
      members.some(({ running }) => running?.member.leadership.isLeader === true) &&
      others.every((running) => running?.member.applied === applied)
    );
  }

  #compareStates(members: readonly SimNode[]): void {
    const hashes = members.map(
      ({ name, running }) => `${name} ${running === undefined ? '' : stateHash(running)}`,
    );
    require(new Set(hashes.map((hash) => hash.split(' ')[1])).size === 1, 'same-state', () =>
      hashes.join(', '));
  }

  /** What clients were told, as a whole. How many keys the second oracle could search. */
  #accounts(): number {
    KvClient.giveUp(this.#operations);
    checkByRevision(this.#operations, this.#revisions);
    return checkKeys(this.#operations);
  }

  #crashed(node: SimNode): void {
    for (const watch of this.#watches) watch.nodeCrashed(node);
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
      onStarted: (node) => this.#say(node.name, 'started', ''),
      onFatal: (node, msg, error) => {
        if (error instanceof Violation) return this.#fail(error);
        if (!isDiskError(error))
          return this.#fail(new Violation('fatal', `${node.name}: ${msg}: ${textOf(error)}`));
        this.#nemesis.crash(node, `gave up, ${msg}: ${textOf(error)}`);
      },
      onStartFailed: (node, error) => {
        if (isDiskError(error)) return this.#nemesis.crash(node, `start failed: ${textOf(error)}`);
        if (!this.#nemesis.isDamaged(node))
          return this.#fail(new Violation('start', `${node.name} does not start: ${textOf(error)}`));
        node.isRetired = true;
        node.life.isAlive = false;
        this.#say(node.name, 'retired', textOf(error));
      },
    };
  }

  #clientWorld(): ConstructorParameters<typeof KvClient>[1] {
    return {
      timeline: this.timeline,
      random: this.#random,
      nodes: this.#nodes,
      operations: this.#operations,
      shared: this.#shared,
      onAnswer: (operation) => this.#leases.answered(operation),
      isOver: () => this.#isHealing,
    };
  }

  /** Watches change members, and ask how far they are, now and then. */
  #watchLife(): void {
    this.timeline.at(200 * this.#random.float(), undefined, { event: 'watch-whim' }, () => {
      if (this.#isHealing) return;
      const watch = this.#watches[this.#random.int(this.#watches.length)];
      if (this.#random.float() < 0.3) watch?.switch();
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

function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'ENOSPC');
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
