import type { Store } from '../store/store.ts';
import type { WatchCache } from './watch-cache.ts';

/**
 * A key of its own that is never written: reading it costs the store nothing but the agreement on its
 * revision.
 */
const PROBE_KEY = '/registry/health';
const CATCH_UP_TIMEOUT_MS = 3000;

/** What stands between a request and a fresh cache. */
export class NotFreshError extends Error {
  readonly kind: 'not-synced' | 'behind';
  constructor(kind: NotFreshError['kind']) {
    super(
      kind === 'not-synced' ? 'the watch cache is not synced' : 'the watch cache did not catch up in time',
    );
    this.kind = kind;
  }
}

/**
 * Linearizable reads from the cache: a reader waits until the cache has reached the revision that the store
 * had
 * *after* the reader asked. Readers of one turn of the event loop share one question to the store.
 */
export class Freshness {
  readonly #store: Store;
  readonly #cache: WatchCache;
  #turn: Promise<number> | undefined;

  constructor(store: Store, cache: WatchCache) {
    this.#store = store;
    this.#cache = cache;
  }

  /**
   * Resolves once the cache holds everything that was acknowledged before this call. Throws NotFreshError or
   * StoreError.
   */
  async upToDate(): Promise<void> {
    if (!this.#cache.isSynced) throw new NotFreshError('not-synced');
    const revision = await this.#storeRevision();
    if (!(await this.#cache.waitFor(revision, CATCH_UP_TIMEOUT_MS))) throw new NotFreshError('behind');
  }

  #storeRevision(): Promise<number> {
    this.#turn ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#turn = undefined;
        this.#store
          .range({ key: PROBE_KEY, countOnly: true })
          .then((result) => resolve(result.revision), reject);
      });
    });
    return this.#turn;
  }
}
