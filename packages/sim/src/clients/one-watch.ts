import type { Random } from '@kubelab/component-base';
import { bytesOf, type WatchCreateRequest, WatchFilter } from '@kubelab/rpc/etcd';
import { WatchCheck, type WatchCheckOptions } from '../checks/watch-check.ts';
import { require } from '../checks/violation.ts';
import type { Received } from './received.ts';

type World = Pick<WatchCheckOptions, 'revisions' | 'compactedMax'>;

const RANGES = [
  ['a', 'z'],
  ['k1', undefined],
  ['k2', 'k5'],
  ['t0', 't9'],
  ['t2', undefined],
  ['e0', 'e9'],
] as const;

/** One watch of a client, over all streams that it is ever on: what it wants, and whether it gets that. */
export class OneWatch {
  readonly name: string;
  readonly #check: WatchCheck;
  readonly #request: Omit<WatchCreateRequest, 'watchId' | 'startRevision'>;
  /** Pieces of a response whose last one has not come yet. */
  #pieces: Received[] = [];
  /** Its id on the stream; undefined: it is on none. */
  id: number | undefined;
  isCancelling = false;
  /** The member has said that it is there. */
  isCreated = false;

  /** `isAll`: the one that watches everything, from the beginning or from now on. */
  constructor(name: string, isAll: boolean, random: Random, world: World) {
    this.name = name;
    const [start, end] = RANGES[isAll ? 0 : random.int(RANGES.length)] ?? RANGES[0];
    const hasPrevKv = random.float() < 0.7;
    const without = random.float() < 0.6 ? undefined : random.float() < 0.5 ? 'puts' : 'deletions';
    // From now on, from the first revision, or from one that is still to come.
    const next = [0, 1, 1, 5 + random.int(60)][random.int(isAll ? 2 : 4)] ?? 1;
    this.#check = new WatchCheck({ ...world, name, start, end, hasPrevKv, without, next });
    const filter = { puts: WatchFilter.NOPUT, deletions: WatchFilter.NODELETE };
    this.#request = {
      key: bytesOf(start),
      rangeEnd: bytesOf(end ?? ''),
      progressNotify: random.float() < 0.7,
      filters: without === undefined ? [] : [filter[without]],
      prevKv: hasPrevKv,
      fragment: random.float() < 0.5,
    };
  }

  get eventCount(): number {
    return this.#check.eventCount;
  }
  get isOpen(): boolean {
    return this.id !== undefined;
  }

  isCurrent(): boolean {
    return this.isOpen && this.#check.isCurrent();
  }

  /** It is to be created on a stream, under this id. */
  create(id: number): WatchCreateRequest {
    this.id = id;
    this.isCancelling = false;
    this.isCreated = false;
    this.#pieces = [];
    return { ...this.#request, watchId: id, startRevision: this.#check.next };
  }

  /** Its stream is gone, and with it what had not come whole. */
  lost(): void {
    this.id = undefined;
    this.#pieces = [];
  }

  /** True: it is to be created anew. Throws `Violation`. */
  take(received: Received, isFragment: boolean): boolean {
    this.isCreated = true;
    if (isFragment) {
      require(received.type === 'events', 'watch', () => `${this.name}: a piece of ${received.type}`);
      this.#pieces.push(received);
      return false;
    }
    const pieces = [...this.#pieces, received];
    this.#pieces = [];
    require(pieces.length === 1 || received.type === 'events', 'watch', () =>
      `${this.name}: ${received.type} came between the pieces of one response`);
    const isAsked = received.type === 'cancelled' && this.isCancelling;
    if (!isAsked) this.#check.take({ ...received, events: pieces.flatMap(({ events }) => events) });
    if (!isAsked && received.type !== 'compacted') return false;
    this.id = undefined;
    return true;
  }
}
