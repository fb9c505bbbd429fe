import type { KubeObject } from '@kubelab/api';
import { CacheEntry } from './entry.ts';
import { type CacheEvent, History } from './history.ts';
import { SortedKeys } from './sorted-keys.ts';
import { type WatchEnd, Watcher, type WatchFilter } from './watcher.ts';

export type IndexFunction = (object: KubeObject) => readonly string[];

/** Everything of one resource that the store holds, as of the newest event seen; and its open watches. */
export class ResourceCache {
  readonly #entries = new Map<string, CacheEntry>();
  readonly #keys = new SortedKeys();
  readonly #watchers = new Set<Watcher>();
  readonly #indexFunctions = new Map<string, IndexFunction>();
  /** index name → value → keys */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  #history = new History(0);
  #version = 0;

  /** Goes up with each change: what was derived from an older version is stale. */
  get version(): number {
    return this.#version;
  }

  /** Must be called before the first load. */
  addIndex(name: string, values: IndexFunction): void {
    this.#indexFunctions.set(name, values);
    this.#indexes.set(name, new Map());
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Oldest revision a watch can still start from. */
  get floor(): number {
    return this.#history.floor;
  }

  /** Those whose key starts with `prefix`, in order of key. */
  list(prefix = ''): CacheEntry[] {
    const found: CacheEntry[] = [];
    for (const key of this.#keys.withPrefix(prefix)) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  byIndex(index: string, value: string): CacheEntry[] {
    const keys = this.#indexes.get(index)?.get(value);
    if (keys === undefined) return [];
    const found: CacheEntry[] = [];
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  /** Starts anew from a full read at `revision`: open watches end, older versions are forgotten. */
  reset(entries: readonly CacheEntry[], revision: number): void {
    this.closeWatchers('expired');
    this.#version++;
    this.#entries.clear();
    for (const index of this.#indexes.values()) index.clear();
    for (const entry of entries) {
      this.#entries.set(entry.key, entry);
      this.#index(entry, true);
    }
    this.#keys.reset(this.#entries.keys());
    this.#history = new History(revision);
  }

  put(key: string, revision: number, value: Uint8Array, atMs: number): void {
    const previous = this.#entries.get(key);
    const entry = CacheEntry.fromStored(key, revision, value, previous === undefined ? 'ADDED' : 'MODIFIED');
    if (previous === undefined) this.#keys.add(key);
    else this.#index(previous, false);
    this.#entries.set(key, entry);
    this.#index(entry, true);
    this.#publish({ type: 'put', revision, entry, previous, atMs });
  }

  delete(key: string, revision: number, atMs: number): void {
    const previous = this.#entries.get(key);
    if (previous === undefined) return;
    this.#index(previous, false);
    this.#entries.delete(key);
    this.#keys.delete(key);
    this.#publish({
      type: 'delete',
      revision,
      entry: previous.atRevision(revision, 'DELETED'),
      previous,
      atMs,
    });
  }

  /** A watch for changes after `revision`; undefined when its history is gone. */
  watchFrom(
    revision: number,
    filter: WatchFilter,
    options: { readonly wantsBookmarks: boolean },
  ): Watcher | undefined {
    const missed = this.#history.since(revision);
    if (missed === undefined) return undefined;
    const watcher = this.#open({ filter, afterRevision: revision, initial: [], ...options });
    for (const event of missed) watcher.offer(event);
    return watcher;
  }

  /** A watch that begins with everything there is (ADDED) as of `revision`, the cache's own. */
  watchFromNow(
    revision: number,
    filter: WatchFilter,
    options: { readonly wantsBookmarks: boolean; readonly initialEventsEndAt?: number | undefined },
  ): Watcher {
    const candidates =
      filter.key === undefined
        ? this.list(filter.keyPrefix)
        : [this.#entries.get(filter.key)].filter((e) => e !== undefined);
    const initial = candidates.filter((entry) => filter.matches(entry));
    return this.#open({ filter, afterRevision: revision, initial, ...options });
  }

  bookmark(revision: number): void {
    for (const watcher of this.#watchers) watcher.bookmark(revision);
  }

  closeWatchers(why: WatchEnd): void {
    for (const watcher of this.#watchers) watcher.close(why);
  }

  #open(options: Omit<ConstructorParameters<typeof Watcher>[0], 'onClose'>): Watcher {
    const watcher = new Watcher({ ...options, onClose: (closed) => void this.#watchers.delete(closed) });
    this.#watchers.add(watcher);
    return watcher;
  }

  #publish(event: CacheEvent): void {
    this.#version++;
    this.#history.push(event);
    for (const watcher of this.#watchers) watcher.offer(event);
    event.previous?.release();
    if (event.type === 'delete') event.entry.release();
  }

  #index(entry: CacheEntry, add: boolean): void {
    for (const [name, values] of this.#indexFunctions) {
      const index = this.#indexes.get(name) ?? new Map<string, Set<string>>();
      for (const value of values(entry.object)) {
        const keys = index.get(value);
        if (add && keys === undefined) index.set(value, new Set([entry.key]));
        else if (add) keys?.add(entry.key);
        else if (keys?.delete(entry.key) === true && keys.size === 0) index.delete(value);
      }
    }
  }
}
