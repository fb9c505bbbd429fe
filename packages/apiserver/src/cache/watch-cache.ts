import { assert, type Clock, errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import { prefixEnd, type Store, type StoreEvent, type StoreWatch } from '../store/store.ts';
import { CacheEntry } from './entry.ts';
import { KeyMap, REGISTRY } from './key-map.ts';
import { ResourceCache } from './resource-cache.ts';

const PAGE_KEYS = 500;
const RELOAD_PAUSE_MS = 500;
const BOOKMARK_EVERY_MS = 30_000;
/**
 * A reader that waits longer than this for the cache asks the store for a progress notice, and again at this
 * pace.
 */
const PROGRESS_AFTER_MS = 4;
const PROGRESS_EVERY_MS = 100;

interface RevisionWaiter {
  readonly revision: number;
  readonly resolve: (reached: boolean) => void;
}

/**
 * The store's `/registry/` in memory, kept current by one watch.
 * Invariants
 *   CACHE-1  `revision` never goes back while the cache is synced
 *   CACHE-2  at `revision` R every cache holds exactly the store's objects of R
 */
export class WatchCache {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #keys = new KeyMap();
  readonly #caches: ResourceCache[] = [];
  readonly #waiters = new Set<RevisionWaiter>();
  readonly #listeners: (() => void)[] = [];
  #revision = 0;
  #synced = false;
  #watch: StoreWatch | undefined;
  #progressTimer: Timer | undefined;
  #bookmarkTimer: Timer | undefined;
  #stopped = false;

  constructor(deps: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** A cache for what lies under `prefix` (`/registry/pods/`). Before `start`. */
  add(prefix: string): ResourceCache {
    const cache = new ResourceCache();
    this.#keys.add(prefix, cache);
    this.#caches.push(cache);
    return cache;
  }

  /** Everything up to this revision of the store is in the cache. */
  get revision(): number {
    return this.#revision;
  }

  get isSynced(): boolean {
    return this.#synced;
  }

  /** It has been loaded at least once: what it holds was true at some time. */
  get isLoaded(): boolean {
    return this.#revision > 0;
  }

  /** Called after each batch of changes, and after each reload. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Begins to load; resolves when the first load is done. Keeps trying until `stop`. */
  async start(): Promise<void> {
    this.#bookmarkTimer = this.#clock.setTimer(BOOKMARK_EVERY_MS, () => this.#sendBookmarks());
    while (!this.#stopped) {
      try {
        await this.#load();
        return;
      } catch (error) {
        this.#log.warn('load of the watch cache failed, trying again', { err: errorMessage(error) });
        await this.#clock.sleep(RELOAD_PAUSE_MS);
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#synced = false;
    this.#watch?.close();
    this.#bookmarkTimer?.cancel();
    this.#progressTimer?.cancel();
    for (const cache of this.#caches) cache.closeWatchers('stopped');
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#waiters.clear();
  }

  /** Ends every open watch of clients; the cache itself goes on. */
  closeWatchers(): void {
    for (const cache of this.#caches) cache.closeWatchers('stopped');
  }

  get watcherCount(): number {
    return this.#caches.reduce((sum, cache) => sum + cache.watcherCount, 0);
  }

  /** Resolves with true once the cache has reached `revision`, with false after `timeoutMs`. */
  waitFor(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.#synced && this.#revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(timeoutMs, () => waiter.resolve(false));
      const waiter: RevisionWaiter = {
        revision,
        resolve: (reached) => {
          timer.cancel();
          this.#waiters.delete(waiter);
          resolve(reached);
        },
      };
      this.#waiters.add(waiter);
      this.#nudge(PROGRESS_AFTER_MS);
    });
  }

  async #load(): Promise<void> {
    const rangeEnd = prefixEnd(REGISTRY);
    const found = new Map<ResourceCache, CacheEntry[]>();
    let key = REGISTRY;
    let revision: number | undefined;
    for (;;) {
      const page = await this.#store.range({
        key,
        rangeEnd,
        limit: PAGE_KEYS,
        ...(revision === undefined ? {} : { revision }),
      });
      revision ??= page.revision;
      for (const kv of page.kvs) this.#keep(found, kv.key, kv.modRevision, kv.value);
      const last = page.kvs.at(-1);
      if (last === undefined || page.kvs.length < PAGE_KEYS) break;
      key = `${last.key}\0`;
    }
    if (this.#stopped) return;
    for (const cache of this.#caches) cache.reset(found.get(cache) ?? [], revision);
    this.#revision = revision;
    this.#synced = true;
    this.#log.info('watch cache loaded', { revision });
    this.#openWatch(revision + 1);
    this.#advanced();
  }

  #keep(
    found: Map<ResourceCache, CacheEntry[]>,
    storeKey: string,
    revision: number,
    value: Uint8Array,
  ): void {
    const at = this.#keys.find(storeKey);
    if (at === undefined) return;
    const entry = this.#parse(storeKey, () => CacheEntry.fromStored(at.key, revision, value, 'ADDED'));
    if (entry === undefined) return;
    const list = found.get(at.cache);
    if (list === undefined) found.set(at.cache, [entry]);
    else list.push(entry);
  }

  #openWatch(startRevision: number): void {
    this.#watch = this.#store.watch(
      { key: REGISTRY, rangeEnd: prefixEnd(REGISTRY), startRevision },
      {
        onEvents: (events, revision) => {
          for (const event of events) this.#apply(event);
          this.#reached(Math.max(revision, this.#revision));
        },
        onProgress: (revision) => this.#reached(Math.max(revision, this.#revision)),
        onClosed: (reason, error) => {
          this.#log.warn('the watch on the store ended, loading anew', { reason, err: error?.message });
          this.#synced = false;
          void this.#reload();
        },
      },
    );
  }

  async #reload(): Promise<void> {
    await this.#clock.sleep(RELOAD_PAUSE_MS);
    if (this.#stopped) return;
    try {
      await this.#load();
    } catch (error) {
      this.#log.warn('load of the watch cache failed, trying again', { err: errorMessage(error) });
      await this.#reload();
    }
  }

  #apply(event: StoreEvent): void {
    const storeKey = event.type === 'put' ? event.kv.key : event.key;
    const at = this.#keys.find(storeKey);
    if (at === undefined) return;
    const nowMs = this.#clock.monotonic();
    if (event.type === 'delete') at.cache.delete(at.key, event.modRevision, nowMs);
    else this.#parse(storeKey, () => at.cache.put(at.key, event.kv.modRevision, event.kv.value, nowMs));
  }

  /** A value that is no object is somebody else's mistake: it is left out, and said. */
  #parse<T>(storeKey: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
      this.#log.error('the store holds a value that is no API object', {
        key: storeKey,
        err: errorMessage(error),
      });
      return undefined;
    }
  }

  #reached(revision: number): void {
    assert(revision >= this.#revision, 'CACHE-1');
    this.#revision = revision;
    this.#advanced();
  }

  #advanced(): void {
    for (const waiter of this.#waiters) if (waiter.revision <= this.#revision) waiter.resolve(true);
    for (const listener of this.#listeners) listener();
  }

  #nudge(delayMs: number): void {
    this.#progressTimer ??= this.#clock.setTimer(delayMs, () => {
      this.#progressTimer = undefined;
      if (this.#waiters.size === 0 || this.#stopped) return;
      this.#watch?.requestProgress();
      this.#nudge(PROGRESS_EVERY_MS);
    });
  }

  #sendBookmarks(): void {
    this.#bookmarkTimer = this.#clock.setTimer(BOOKMARK_EVERY_MS, () => this.#sendBookmarks());
    if (!this.#synced) return;
    for (const cache of this.#caches) cache.bookmark(this.#revision);
  }
}
