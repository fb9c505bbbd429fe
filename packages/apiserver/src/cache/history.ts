import type { CacheEntry } from './entry.ts';

/**
 * One change of one object. `entry` is the state after it; of a deletion, the last state at the deletion's
 * revision.
 */
export interface CacheEvent {
  readonly type: 'put' | 'delete';
  readonly revision: number;
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
  /** Monotonic ms of its arrival. */
  readonly atMs: number;
}

export interface HistoryLimits {
  readonly eventsMax: number;
  /**
   * Events younger than this are kept as long as `eventsMax` allows; older ones go once there are
   * `eventsMin`.
   */
  readonly keepMs: number;
  readonly eventsMin: number;
}

export const HISTORY_LIMITS: HistoryLimits = { eventsMax: 4096, keepMs: 5 * 60_000, eventsMin: 64 };

/** The latest changes of one resource, so that a watch can start from a past resourceVersion. */
export class History {
  readonly #limits: HistoryLimits;
  #events: CacheEvent[] = [];
  /** Index of the first event that still counts: dropping from the front must not move the rest each time. */
  #first = 0;
  #floor: number;

  /** A watch may start from `floor` on: everything after it is known. */
  constructor(floor: number, limits: HistoryLimits = HISTORY_LIMITS) {
    this.#floor = floor;
    this.#limits = limits;
  }

  get floor(): number {
    return this.#floor;
  }

  get length(): number {
    return this.#events.length - this.#first;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    const { eventsMax, eventsMin, keepMs } = this.#limits;
    while (this.length > eventsMax) this.#drop();
    while (this.length > eventsMin && event.atMs - (this.#events[this.#first]?.atMs ?? 0) > keepMs)
      this.#drop();
    if (this.#first > 1024 || this.#first > this.length * 2) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Everything after `revision`, oldest first; undefined when some of it is gone. */
  since(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low);
  }

  #drop(): void {
    const dropped = this.#events[this.#first++];
    if (dropped !== undefined) this.#floor = dropped.revision;
  }
}
