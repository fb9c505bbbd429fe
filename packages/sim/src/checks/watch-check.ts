import { describeVersion, nextAfter, type Received, type SeenEvent } from '../clients/received.ts';
import type { Change, Revisions } from './revisions.ts';
import { require } from './violation.ts';

export interface WatchCheckOptions {
  readonly name: string;
  readonly start: string;
  /** Undefined: the one key. */
  readonly end: string | undefined;
  readonly hasPrevKv: boolean;
  /** What is not told; default: nothing. */
  readonly without?: 'puts' | 'deletions' | undefined;
  /** The first revision wanted; 0: from the creation on. */
  readonly next: number;
  readonly revisions: Revisions;
  /** The largest revision that anybody has asked to compact to. */
  readonly compactedMax: () => number;
}

/**
 * Holds all that one watch was told, over any number of streams, against the one history. Ordered, unique,
 * atomic, reliable, resumable, filtered, bookmarks, versions and previous values all follow from one
 * comparison: "what came is exactly what the range saw since the last time".
 */
export class WatchCheck {
  readonly #options: WatchCheckOptions;
  #next: number;
  eventCount = 0;

  constructor(options: WatchCheckOptions) {
    this.#options = options;
    this.#next = options.next;
  }

  /** Everything before it has been seen; 0: the watch has never stood. */
  get next(): number {
    return this.#next;
  }

  /** Nothing of the history is missing any more. */
  isCurrent(): boolean {
    return this.#next > 0 && this.#changes(this.#options.revisions.last).length === 0;
  }

  /** What is still to be told of all up to a revision. */
  #changes(upTo: number): Change[] {
    const { revisions, start, end, without } = this.#options;
    return revisions
      .changes(start, end, this.#next, upTo)
      .filter(({ value }) => without !== (value === undefined ? 'deletions' : 'puts'));
  }

  /** Throws `Violation`. */
  take(received: Received): void {
    const { name } = this.#options;
    const { type, compactRevision } = received;
    require(type !== 'cancelled', 'watch-cancel', () =>
      `${name} was cancelled at ${this.#next} without a reason`);
    require(type !== 'compacted' || compactRevision > this.#next, 'watch-cancel', () =>
      `${name} was cancelled at ${this.#next} because of compaction ${compactRevision}`);
    if (type === 'events' || type === 'progress') this.#compare(received);
    this.#next = nextAfter(this.#next, received);
  }

  #compare({ type, revision, events }: Received): void {
    const { name } = this.#options;
    const upTo = type === 'progress' ? revision : (events.at(-1)?.revision ?? 0);
    const expected = this.#changes(upTo);
    const [told, real] = [events.map(describeVersion), expected.map(describeVersion)];
    require(told.join() === real.join(), 'watch', () =>
      `${name} at ${this.#next} was told ${type} up to ${upTo}: [${told.join(', ')}], expected [${real.join(', ')}]`);
    for (const [i, event] of events.entries()) this.#comparePrevious(event, expected[i]);
    this.eventCount += events.length;
  }

  #comparePrevious(event: SeenEvent, change: Change | undefined): void {
    const { name, hasPrevKv, compactedMax } = this.#options;
    if (!hasPrevKv) return;
    const expected = change?.previous === undefined ? undefined : describeVersion(change.previous);
    const told = event.previous;
    // A compaction may have taken it.
    if (told === undefined && event.revision <= compactedMax()) return;
    require(told === expected, 'watch-previous', () =>
      `${name} was told that ${event.key} before ${event.revision} was ${told}, it was ${expected}`);
  }
}
