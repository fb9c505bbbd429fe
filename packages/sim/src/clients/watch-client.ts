import type { Random } from '@kubelab/component-base';
import { WatchSession } from '@kubelab/etcd-lite';
import type { Init } from '@kubelab/rpc';
import { bytesOf, type WatchResponse } from '@kubelab/rpc/etcd';
import type { Revisions } from '../checks/revisions.ts';
import { WatchCheck } from '../checks/watch-check.ts';
import type { NetworkMood } from '../world/sim-network.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { Timeline } from '../world/timeline.ts';
import { type Received, receivedFrom } from './received.ts';

export interface WatchWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly revisions: Revisions;
  readonly nodes: readonly SimNode[];
  readonly network: Pick<NetworkMood, 'hidden'>;
  /** The largest revision that anybody has asked to compact to. */
  readonly compactedMax: () => number;
}

interface Stream {
  readonly node: SimNode;
  readonly session: WatchSession;
  /** Nothing overtakes on a stream. */
  lastDueMs: number;
}

const PROGRESS_INTERVAL_MS = 300;
const REOPEN_MS = 20;

/** Watches a range for ever, across crashes and members, and holds every response against the one history. */
export class WatchClient {
  readonly name: string;
  readonly #start: string;
  readonly #end: string | undefined;
  readonly #world: WatchWorld;
  readonly #hasPrevKv: boolean;
  readonly #check: WatchCheck;
  #stream: Stream | undefined;
  #connectingTo: SimNode | undefined;

  constructor(name: string, range: readonly [string, string | undefined], world: WatchWorld) {
    this.name = name;
    [this.#start, this.#end] = range;
    this.#world = world;
    this.#hasPrevKv = world.random.float() < 0.7;
    const next = world.random.float() < 0.5 ? 0 : 1;
    this.#check = new WatchCheck({
      name,
      start: this.#start,
      end: this.#end,
      hasPrevKv: this.#hasPrevKv,
      next,
      revisions: world.revisions,
      compactedMax: world.compactedMax,
    });
    this.#openSoon();
  }

  get eventCount(): number {
    return this.#check.eventCount;
  }

  /** Nothing of the history is missing any more. */
  isCurrent(): boolean {
    return this.#stream !== undefined && this.#check.isCurrent();
  }

  nodeCrashed(node: SimNode): void {
    if (this.#connectingTo !== node && this.#stream?.node !== node) return;
    this.#stream = undefined;
    this.#connectingTo = undefined;
    this.#openSoon();
  }

  /** Leaves the member it is connected to for another. */
  switch(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#within(stream, 'watch-close', 0, () => stream.session.close());
    this.#openSoon();
  }

  requestProgress(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#within(stream, 'watch-progress', 0.3, () =>
      stream.session.request({ createRequest: null, cancelRequest: null, progressRequest: {} }),
    );
  }

  #openSoon(): void {
    const { timeline, random } = this.#world;
    timeline.at(REOPEN_MS * random.float(), undefined, { event: 'watch-open', note: this.name }, () => {
      const { nodes: all, network } = this.#world;
      const nodes = all.filter(
        ({ serving, name }) => serving?.member.membership.isLearner === false && !network.hidden.has(name),
      );
      const node = nodes[random.int(nodes.length)];
      if (node === undefined) return this.#openSoon();
      this.#connectingTo = node;
      timeline.at(
        0,
        node.life,
        { event: 'watch-create', note: `${this.name} from ${this.#check.next}` },
        () => {
          this.#connectingTo = undefined;
          if (this.#stream === undefined) this.#open(node);
        },
      );
    });
  }

  #open(node: SimNode): void {
    const { serving: running } = node;
    // A learner serves no watches.
    if (running === undefined || running.member.membership.isLearner) return this.#openSoon();
    const session = new WatchSession(
      running.member,
      { send: (response) => this.#sent(stream, response) },
      PROGRESS_INTERVAL_MS,
    );
    const stream: Stream = { node, session, lastDueMs: 0 };
    this.#stream = stream;
    session.request({
      createRequest: {
        key: bytesOf(this.#start),
        rangeEnd: bytesOf(this.#end ?? ''),
        startRevision: this.#check.next,
        progressNotify: true,
        filters: [],
        prevKv: this.#hasPrevKv,
        watchId: 0,
        fragment: false,
      },
      cancelRequest: null,
      progressRequest: null,
    });
  }

  /** Runs in the member: the response enters the stream. False: the client does not keep up. */
  #sent(stream: Stream, response: Init<WatchResponse>): boolean {
    const { timeline, random } = this.#world;
    const dueMs = Math.max(stream.lastDueMs, timeline.nowMs + 0.3 * (0.5 + random.float()));
    stream.lastDueMs = dueMs;
    const received = receivedFrom(response);
    const note = `${this.name} ${received.events.length} events at ${received.revision}`;
    timeline.at(dueMs - timeline.nowMs, undefined, { event: 'watch-receive', note }, () => {
      if (this.#stream === stream) this.#received(received);
    });
    if (random.float() > 0.1) return true;
    this.#within(stream, 'watch-drained', 100 * random.float(), () => stream.session.drained());
    return false;
  }

  #received(received: Received): void {
    this.#check.take(received);
    if (received.type !== 'compacted') return;
    this.#stream = undefined;
    this.#openSoon();
  }

  #within(stream: Stream, event: string, delayMs: number, fn: () => void): void {
    this.#world.timeline.at(delayMs, stream.node.life, { event, note: this.name }, fn);
  }
}
