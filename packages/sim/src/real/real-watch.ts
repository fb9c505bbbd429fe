import type { Clock, Random, Timer } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import { Channel } from '@kubelab/rpc/client';
import { bytesOf, etcdServices, type WatchRequest, type WatchResponse } from '@kubelab/rpc/etcd';
import { nextAfter, type Received, receivedFrom } from '../clients/received.ts';

export interface WatchedRange {
  readonly name: string;
  readonly start: string;
  /** Undefined: the one key. */
  readonly end: string | undefined;
  readonly hasPrevKv: boolean;
  /** The first revision wanted. */
  readonly from: number;
}

export interface RealWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the members it may watch at. */
  readonly urls: readonly string[];
  /** All on one stream. */
  readonly ranges: readonly WatchedRange[];
  readonly onReceived?: (range: WatchedRange, received: Received) => void;
}

interface Watch {
  readonly range: WatchedRange;
  next: number;
  readonly log: Received[];
}

const REOPEN_MS = 50;
/** A member that does not create a watch within this time is given up. */
const CREATE_MS = 2000;
/** etcd's word for "all watches of this stream". */
const ALL_WATCHES = -1;

/**
 * Some watches that share a stream, kept up for ever over any number of streams and members, and a record of
 * all they were told. It asks for exactly what is missing, and leaves nothing out that comes: whatever comes
 * twice, or too late, is in the record.
 */
export class RealWatch {
  readonly #options: RealWatchOptions;
  readonly #watches: Watch[];
  readonly #channels: Channel[];
  #stream: ReturnType<typeof openStream> | undefined;
  #createdCount = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: RealWatchOptions) {
    this.#options = options;
    this.#watches = options.ranges.map((range) => ({ range, next: range.from, log: [] }));
    this.#channels = options.urls.map((url) => new Channel(url));
    this.#open();
  }

  /** What each watch was told, in order. */
  get logs(): readonly { readonly range: WatchedRange; readonly log: readonly Received[] }[] {
    return this.#watches;
  }

  /** Has every watch been told everything up to the last revision that it is to be told of? */
  isCurrent(lastOf: (range: WatchedRange) => number): boolean {
    return this.#watches.every(({ range, next }) => next > lastOf(range));
  }

  get isOpen(): boolean {
    return this.#createdCount === this.#watches.length;
  }

  requestProgress(): void {
    if (this.isOpen) this.#stream?.write({ progressRequest: {} });
  }

  /** Leaves the member for another. */
  switch(): void {
    if (this.#stream !== undefined) this.#lost(this.#stream);
  }

  /** Reads nothing for a while: what comes is held up on its way. */
  dawdle(forMs: number): void {
    const stream = this.#stream;
    stream?.pause();
    this.#options.clock.setTimer(forMs, () => stream?.resume());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#stream?.cancel();
    for (const channel of this.#channels) channel.close();
  }

  #open(): void {
    if (this.#isClosed) return;
    const { random, clock } = this.#options;
    const channel = this.#channels[random.int(this.#channels.length)];
    if (channel === undefined) return;
    const stream = openStream(channel);
    this.#stream = stream;
    this.#createdCount = 0;
    this.#timer = clock.setTimer(CREATE_MS, () => this.#lost(stream));
    stream.on('data', (response: WatchResponse) => {
      if (stream === this.#stream) this.#take(stream, response);
    });
    for (const event of ['error', 'end']) stream.on(event, () => this.#lost(stream));
    for (const [i, { range, next }] of this.#watches.entries()) {
      stream.write({
        createRequest: {
          key: bytesOf(range.start),
          rangeEnd: bytesOf(range.end ?? ''),
          startRevision: next,
          progressNotify: true,
          prevKv: range.hasPrevKv,
          watchId: i + 1,
        },
      });
    }
  }

  #take(stream: object, response: WatchResponse): void {
    const received = receivedFrom(response);
    const { watchId } = response;
    const told = watchId === ALL_WATCHES ? this.#watches : this.#watches.slice(watchId - 1, watchId);
    for (const watch of told) {
      watch.log.push(received);
      watch.next = nextAfter(watch.next, received);
      this.#options.onReceived?.(watch.range, received);
    }
    if (received.type === 'created' && ++this.#createdCount === this.#watches.length) this.#timer?.cancel();
    if (received.type === 'compacted' || received.type === 'cancelled') this.#lost(stream);
  }

  #lost(stream: object): void {
    if (this.#isClosed || stream !== this.#stream) return;
    this.#timer?.cancel();
    this.#stream?.cancel();
    this.#stream = undefined;
    this.#createdCount = 0;
    const { clock, random } = this.#options;
    this.#timer = clock.setTimer(REOPEN_MS * random.float(), () => this.#open());
  }
}

function openStream(channel: Channel) {
  return channel.bidi<Init<WatchRequest>, WatchResponse>(etcdServices.Watch, 'Watch');
}
