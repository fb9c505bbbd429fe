import type { CacheEntry, WatchEventType } from './entry.ts';
import type { CacheEvent } from './history.ts';

/** What one watch hands on: a change as this watcher sees it, or a bookmark. */
export type OutEvent =
  | { readonly type: WatchEventType; readonly entry: CacheEntry }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEventsEnd: boolean };

export type WatchEnd = 'too-slow' | 'expired' | 'stopped';

export interface WatchFilter {
  /** Quick test before the selectors: the key starts with this (`default/`). */
  readonly keyPrefix: string;
  /** Exactly this key, when the watch names one object. */
  readonly key?: string | undefined;
  matches(entry: CacheEntry): boolean;
}

/**
 * Events waiting for a slow reader; beyond it the watch is closed, and the client starts again from its last
 * resourceVersion.
 */
export const WATCH_BUFFER_EVENTS_MAX = 2000;
const BATCH_EVENTS_MAX = 500;

/**
 * One open watch. The cache offers, the door takes in batches at its own pace.
 * Only changes after `#after` are offered: the state the watch started from already holds the others.
 */
export class Watcher {
  readonly wantsBookmarks: boolean;
  readonly #filter: WatchFilter;
  readonly #onClose: (watcher: Watcher) => void;
  #after: number;
  /** Current objects still to be sent as ADDED. */
  #initial: readonly CacheEntry[];
  #initialAt = 0;
  #queue: OutEvent[] = [];
  #wake: (() => void) | undefined;
  #ended: WatchEnd | undefined;

  constructor(options: {
    readonly filter: WatchFilter;
    readonly afterRevision: number;
    readonly initial: readonly CacheEntry[];
    readonly wantsBookmarks: boolean;
    /** After the initial objects, a bookmark at this revision says that they are all there. */
    readonly initialEventsEndAt?: number | undefined;
    readonly onClose: (watcher: Watcher) => void;
  }) {
    this.#filter = options.filter;
    this.#after = options.afterRevision;
    this.#initial = options.initial;
    this.wantsBookmarks = options.wantsBookmarks;
    this.#onClose = options.onClose;
    if (options.initialEventsEndAt !== undefined) {
      this.#queue.push({ type: 'BOOKMARK', revision: options.initialEventsEndAt, initialEventsEnd: true });
    }
  }

  get ended(): WatchEnd | undefined {
    return this.#ended;
  }

  /** A change of the resource, in order of revision. */
  offer(event: CacheEvent): void {
    if (this.#ended !== undefined || event.revision <= this.#after) return;
    const { key, keyPrefix } = this.#filter;
    if (key !== undefined ? event.entry.key !== key : !event.entry.key.startsWith(keyPrefix)) return;
    const seen = seenAs(event, this.#filter);
    if (seen !== undefined) this.#push(seen);
  }

  bookmark(revision: number): void {
    if (this.#ended !== undefined || !this.wantsBookmarks || revision < this.#after) return;
    // Only at rest: with events still queued the client would take the bookmark's version for what it has not
    // seen.
    if (this.#queue.length > 0 || this.#initial.length > 0) return;
    this.#push({ type: 'BOOKMARK', revision, initialEventsEnd: false });
  }

  /** The next events, none when there are none yet. */
  take(): OutEvent[] {
    if (this.#initialAt < this.#initial.length) {
      const until = Math.min(this.#initial.length, this.#initialAt + BATCH_EVENTS_MAX);
      const batch: OutEvent[] = [];
      for (; this.#initialAt < until; this.#initialAt++) {
        const entry = this.#initial[this.#initialAt];
        if (entry !== undefined) batch.push({ type: 'ADDED', entry });
      }
      if (this.#initialAt === this.#initial.length) {
        this.#initial = [];
        this.#initialAt = 0;
      }
      return batch;
    }
    const batch = this.#queue;
    this.#queue = [];
    return batch;
  }

  /** Resolves when there is something to take or the watch has ended. */
  wait(): Promise<void> {
    if (this.#queue.length > 0 || this.#initial.length > 0 || this.#ended !== undefined)
      return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(why: WatchEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    if (why === 'too-slow') this.#queue = [];
    this.#onClose(this);
    this.#wakeUp();
  }

  #push(event: OutEvent): void {
    if (this.#queue.length >= WATCH_BUFFER_EVENTS_MAX) {
      this.close('too-slow');
      return;
    }
    this.#queue.push(event);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/**
 * The event as seen through a selection: an object that enters it is ADDED, one that leaves it DELETED in its
 * last selected state.
 */
function seenAs(event: CacheEvent, filter: WatchFilter): OutEvent | undefined {
  const { entry, previous } = event;
  const before = previous !== undefined && filter.matches(previous);
  if (event.type === 'delete') return before ? { type: 'DELETED', entry } : undefined;
  const now = filter.matches(entry);
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', entry };
  if (!before) return undefined;
  return { type: 'DELETED', entry: previous.atRevision(event.revision, 'DELETED') };
}
