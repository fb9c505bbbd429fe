import type { Random } from '@kubelab/component-base';
import { WatchSession } from '@kubelab/etcd-lite';
import type { Init } from '@kubelab/rpc';
import type { WatchResponse } from '@kubelab/rpc/etcd';
import type { Revisions } from '../checks/revisions.ts';
import { require } from '../checks/violation.ts';
import type { NetworkMood } from '../world/sim-network.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { Timeline } from '../world/timeline.ts';
import { OneWatch } from './one-watch.ts';
import { receivedFrom } from './received.ts';

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
  /** Ids that were given on it so far. */
  idCount: number;
}

const PROGRESS_INTERVAL_MS = 300;
const REOPEN_MS = 20;
const WATCHES_MAX = 3;

/**
 * Has one stream, with some watches on it, for ever: across crashes and members. Every response is held against the
 * one history.
 */
export class WatchClient {
  readonly name: string;
  readonly #world: WatchWorld;
  readonly #watches: readonly OneWatch[];
  #stream: Stream | undefined;
  #connectingTo: SimNode | undefined;

  constructor(name: string, world: WatchWorld) {
    this.name = name;
    this.#world = world;
    const { random } = world;
    this.#watches = Array.from(
      { length: 1 + random.int(WATCHES_MAX) },
      (_, i) => new OneWatch(`${name}.${i + 1}`, name === 'w1' && i === 0, random, world),
    );
    this.#openSoon();
  }

  get eventCount(): number {
    return this.#watches.reduce((sum, { eventCount }) => sum + eventCount, 0);
  }

  /** Nothing of the history is missing any more. */
  isCurrent(): boolean {
    return this.#stream !== undefined && this.#watches.every((watch) => watch.isCurrent());
  }

  nodeCrashed(node: SimNode): void {
    if (this.#connectingTo !== node && this.#stream?.node !== node) return;
    this.#lost();
    this.#connectingTo = undefined;
    this.#openSoon();
  }

  /** Leaves the member it is connected to for another. */
  switch(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#lost();
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

  /** Ends one of its watches, and begins it anew where it was when the member says that it has ended. */
  cancelOne(): void {
    const stream = this.#stream;
    const watch = this.#watches[this.#world.random.int(this.#watches.length)];
    const watchId = watch?.id;
    if (stream === undefined || watch === undefined || watchId === undefined || watch.isCancelling) return;
    watch.isCancelling = true;
    this.#within(stream, 'watch-cancel', 0.3, () =>
      stream.session.request({ createRequest: null, cancelRequest: { watchId }, progressRequest: null }),
    );
  }

  #lost(): void {
    this.#stream = undefined;
    for (const watch of this.#watches) watch.lost();
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
      timeline.at(0, node.life, { event: 'watch-connect', note: this.name }, () => {
        this.#connectingTo = undefined;
        if (this.#stream === undefined) this.#open(node);
      });
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
    const stream: Stream = { node, session, lastDueMs: 0, idCount: 0 };
    this.#stream = stream;
    for (const watch of this.#watches) this.#create(stream, watch);
  }

  #create(stream: Stream, watch: OneWatch): void {
    const createRequest = watch.create(++stream.idCount);
    const note = `${watch.name} from ${createRequest.startRevision}`;
    this.#world.timeline.at(0.3, stream.node.life, { event: 'watch-create', note }, () => {
      if (this.#stream !== stream) return;
      stream.session.request({ createRequest, cancelRequest: null, progressRequest: null });
    });
  }

  /** Runs in the member: the response enters the stream. False: the client does not keep up. */
  #sent(stream: Stream, response: Init<WatchResponse>): boolean {
    const { timeline, random } = this.#world;
    const dueMs = Math.max(stream.lastDueMs, timeline.nowMs + 0.3 * (0.5 + random.float()));
    stream.lastDueMs = dueMs;
    const received = receivedFrom(response);
    const { watchId = 0, fragment = false } = response;
    const note = `${this.name}/${watchId} ${received.events.length} events at ${received.revision}`;
    timeline.at(dueMs - timeline.nowMs, undefined, { event: 'watch-receive', note }, () => {
      if (this.#stream === stream) this.#received(stream, watchId, received, fragment);
    });
    if (random.float() > 0.1) return true;
    this.#within(stream, 'watch-drained', 100 * random.float(), () => stream.session.drained());
    return false;
  }

  /** `watchId` -1: of all that the stream has by then. */
  #received(
    stream: Stream,
    watchId: number,
    received: ReturnType<typeof receivedFrom>,
    isFragment: boolean,
  ): void {
    const meant = this.#watches.filter(
      ({ id, isCreated }) => id === watchId || (watchId === -1 && id !== undefined && isCreated),
    );
    require(meant.length > 0 || watchId === -1, 'watch-cancel', () =>
      `${this.name} was told ${received.type} of watch ${watchId}, which had ended`);
    for (const watch of meant) if (watch.take(received, isFragment)) this.#create(stream, watch);
  }

  #within(stream: Stream, event: string, delayMs: number, fn: () => void): void {
    this.#world.timeline.at(delayMs, stream.node.life, { event, note: this.name }, fn);
  }
}
