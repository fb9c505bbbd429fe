import type { Random } from '@kubelab/component-base';
import { WatchSession } from '@kubelab/etcd-lite';
import type { Init } from '@kubelab/rpc';
import { bytesOf, EventType, type KeyValue, textOf, type WatchResponse } from '@kubelab/rpc/etcd';
import type { Change, Revisions } from '../checks/revisions.ts';
import { require } from '../checks/violation.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { Timeline } from '../world/timeline.ts';

export interface WatchWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly revisions: Revisions;
  readonly nodes: readonly SimNode[];
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

/**
 * Watches a range for ever, across crashes and members, and holds every response against the one history:
 * ordered, unique, atomic, reliable, resumable, bookmarks and previous values all follow from one comparison,
 * "what came is exactly what the range saw since the last time".
 */
export class WatchClient {
  readonly name: string;
  readonly #start: string;
  readonly #end: string | undefined;
  readonly #world: WatchWorld;
  readonly #hasPrevKv: boolean;
  /** All before this has been seen; 0: from now on, whenever that is. */
  #next: number;
  #stream: Stream | undefined;
  #connectingTo: SimNode | undefined;
  eventCount = 0;

  constructor(name: string, range: readonly [string, string | undefined], world: WatchWorld) {
    this.name = name;
    [this.#start, this.#end] = range;
    this.#world = world;
    this.#hasPrevKv = world.random.float() < 0.7;
    this.#next = world.random.float() < 0.5 ? 0 : 1;
    this.#openSoon();
  }

  /** Nothing of the history is missing any more. */
  isCurrent(): boolean {
    const { revisions } = this.#world;
    return (
      this.#next > 0 &&
      this.#stream !== undefined &&
      revisions.changes(this.#start, this.#end, this.#next, revisions.last).length === 0
    );
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
      const nodes = this.#world.nodes.filter(({ running }) => running !== undefined);
      const node = nodes[random.int(nodes.length)];
      if (node === undefined) return this.#openSoon();
      this.#connectingTo = node;
      timeline.at(0, node.life, { event: 'watch-create', note: `${this.name} from ${this.#next}` }, () => {
        this.#connectingTo = undefined;
        if (this.#stream === undefined) this.#open(node);
      });
    });
  }

  #open(node: SimNode): void {
    const { running } = node;
    if (running === undefined) return this.#openSoon();
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
        startRevision: this.#next,
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

  #received({ type, revision, events, compactRevision }: Received): void {
    if (type === 'created') {
      if (this.#next === 0) this.#next = revision + 1;
      return;
    }
    if (type === 'compacted') {
      require(compactRevision > this.#next, 'watch-cancel', () =>
        `${this.name} was cancelled at ${this.#next} because of compaction ${compactRevision}`);
      this.#next = compactRevision;
      this.#stream = undefined;
      return this.#openSoon();
    }
    const upTo = type === 'progress' ? revision : (events.at(-1)?.revision ?? 0);
    const { revisions } = this.#world;
    const expected = revisions.changes(this.#start, this.#end, this.#next, upTo);
    const [told, real] = [
      events.map((event) => textOfEvent(event)),
      expected.map((change) => textOfChange(change)),
    ];
    require(told.join() === real.join(), 'watch', () =>
      `${this.name} at ${this.#next} was told ${type} up to ${upTo}: [${told.join(', ')}], expected [${real.join(', ')}]`);
    for (const [i, event] of events.entries()) this.#checkPrevious(event, expected[i]);
    this.eventCount += events.length;
    this.#next = Math.max(this.#next, upTo + 1);
  }

  #checkPrevious(event: SeenEvent, change: Change | undefined): void {
    if (!this.#hasPrevKv) return;
    const expected = change?.previous === undefined ? undefined : textOfChange(change.previous);
    const told = event.previous;
    // A compaction may have taken it.
    if (told === undefined && event.revision <= this.#world.compactedMax()) return;
    require(told === expected, 'watch-previous', () =>
      `${this.name} was told that ${event.key} before ${event.revision} was ${told}, it was ${expected}`);
  }

  #within(stream: Stream, event: string, delayMs: number, fn: () => void): void {
    this.#world.timeline.at(delayMs, stream.node.life, { event, note: this.name }, fn);
  }
}

interface SeenEvent {
  readonly key: string;
  readonly revision: number;
  readonly text: string;
  readonly previous: string | undefined;
}

interface Received {
  readonly type: 'created' | 'compacted' | 'progress' | 'events';
  readonly revision: number;
  readonly events: readonly SeenEvent[];
  readonly compactRevision: number;
}

/** Taken at once, as an encoder would: the store goes on. */
function receivedFrom(response: Init<WatchResponse>): Received {
  const events = (response.events ?? []).map(({ type, kv, prevKv }): SeenEvent => {
    const isDeletion = type === EventType.DELETE;
    const key = textOf(Uint8Array.from(kv?.key ?? []));
    const revision = kv?.modRevision ?? 0;
    const text = isDeletion ? `${key} deleted at ${revision}` : textOfKv(kv ?? {});
    return { key, revision, text, previous: prevKv ? textOfKv(prevKv) : undefined };
  });
  const compactRevision = response.compactRevision ?? 0;
  const isCancelled = response.canceled === true;
  const type =
    response.created === true
      ? 'created'
      : isCancelled
        ? 'compacted'
        : events.length === 0
          ? 'progress'
          : 'events';
  return { type, revision: response.header?.revision ?? 0, events, compactRevision };
}

function textOfKv(kv: Init<KeyValue>): string {
  const text = (bytes: Init<Uint8Array> | undefined): string =>
    textOf(Uint8Array.from((bytes as Uint8Array) ?? []));
  return `${text(kv.key)}=${text(kv.value)} m${kv.modRevision} c${kv.createRevision} v${kv.version}`;
}

function textOfEvent({ text }: SeenEvent): string {
  return text;
}

function textOfChange({ key, value, revision, createRevision, version }: Change): string {
  if (value === undefined) return `${key} deleted at ${revision}`;
  return `${key}=${value} m${revision} c${createRevision} v${version}`;
}
