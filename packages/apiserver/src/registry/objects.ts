import { errors, type KubeObject } from '@kubelab/api';
import type { ServedResource } from '@kubelab/api/server';
import type { Clock, Logger, Random } from '@kubelab/component-base';
import { CacheEntry, encodeForStore } from '../cache/entry.ts';
import { Freshness, NotFreshError } from '../cache/freshness.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { WatchCache } from '../cache/watch-cache.ts';
import { type LeaseId, type RangeResult, type Store, StoreError, type StoreOp } from '../store/store.ts';

/** What an update decides after it has seen the current state. */
export type Change =
  | { readonly type: 'put'; readonly object: KubeObject; readonly with?: Companions | undefined }
  | { readonly type: 'delete'; readonly with?: Companions | undefined }
  /** Leave it as it is. */
  | { readonly type: 'none' };

/** Other keys that must change in the same transaction: a Service's addresses and ports. */
export interface Companions {
  /** Keys that must not be there yet, and will be. */
  readonly claim: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly release: readonly string[];
}

/** The key of somebody else's claim stood in the way. */
export class ClaimTakenError extends Error {
  readonly key: string;
  constructor(key: string) {
    super(`${key} is taken`);
    this.key = key;
  }
}

export interface Changed {
  readonly type: 'put' | 'delete' | 'none';
  /** The new state; of a deletion the last one, at the deletion's version. */
  readonly entry: CacheEntry;
}

const UPDATE_ATTEMPTS_MAX = 50;

export interface ObjectsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * The objects of every stored resource: reads from the watch cache, conditional writes to the store.
 * Invariants
 *   A1  a write names the version it replaces: nobody's update is lost
 *   REG-1  a refusal is never decided on a stale read: what the cache shows is read again from the store
 *          first
 */
export class Objects {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly #store: Store;
  readonly #freshness: Freshness;
  readonly #caches = new Map<string, ResourceCache>();
  /** Leases that stored objects of a resource live on. */
  readonly #leases = new Map<string, () => Promise<LeaseId>>();

  constructor(deps: ObjectsDeps, resources: readonly ServedResource[]) {
    this.#store = deps.store;
    this.clock = deps.clock;
    this.random = deps.random;
    this.log = deps.log;
    this.cache = new WatchCache(deps);
    this.#freshness = new Freshness(deps.store, this.cache);
    for (const resource of resources) {
      if (resource.isStored)
        this.#caches.set(resource.storagePrefix, this.cache.add(`${resource.storagePrefix}/`));
    }
  }

  /** Objects of this resource vanish with the lease that is current when they are written. */
  setLease(resource: ServedResource, lease: () => Promise<LeaseId>): void {
    this.#leases.set(resource.storagePrefix, lease);
  }

  of(resource: Pick<ServedResource, 'storagePrefix'>): ResourceCache {
    const cache = this.#caches.get(resource.storagePrefix);
    if (cache === undefined) throw errors.noSuchPath();
    return cache;
  }

  /** How many objects of each resource there are, by metric label. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [prefix, cache] of this.#caches)
      counts[`resource="${prefix.slice('/registry/'.length)}"`] = cache.size;
    return counts;
  }

  /** See `Freshness.upToDate`. */
  upToDate(): Promise<void> {
    return this.#freshness.upToDate();
  }

  /** Like `upToDate`, for who can do without: true when the cache is newer than it was. Throws only before the first load. */
  async catchUp(): Promise<boolean> {
    if (!this.cache.isLoaded) throw new NotFreshError('not-synced');
    const before = this.cache.revision;
    try {
      await this.#freshness.upToDate();
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof NotFreshError)) throw error;
    }
    return this.cache.revision > before;
  }

  /** As of an old revision, straight from the store; keys are `namespace/name`. */
  async rangeAt(
    resource: ServedResource,
    range: { readonly from: string; readonly to: string; readonly revision: number; readonly limit?: number },
  ): Promise<{ readonly entries: CacheEntry[]; readonly count: number }> {
    const result: RangeResult = await this.#store.range({
      key: `${resource.storagePrefix}/${range.from}`,
      rangeEnd: `${resource.storagePrefix}/${range.to}`,
      revision: range.revision,
      ...(range.limit === undefined ? {} : { limit: range.limit }),
    });
    const start = resource.storagePrefix.length + 1;
    const entries = result.kvs.map((kv) =>
      CacheEntry.fromStored(kv.key.slice(start), kv.modRevision, kv.value, 'ADDED'),
    );
    return { entries, count: result.count };
  }

  /** Stores a new object. Throws AlreadyExists, ClaimTakenError. */
  async create(
    resource: ServedResource,
    key: string,
    object: KubeObject,
    companions?: Companions,
  ): Promise<CacheEntry> {
    const storeKey = `${resource.storagePrefix}/${key}`;
    const value = encodeForStore(object);
    const claims = companions?.claim ?? [];
    const result = await this.#store.txn({
      compare: [storeKey, ...claims.map((claim) => claim.key)].map((absent) => ({
        key: absent,
        modRevision: 0,
      })),
      success: [await this.#put(resource, storeKey, value), ...companionOps(companions)],
      failure: [storeKey, ...claims.map((claim) => claim.key)],
    });
    if (!result.succeeded) {
      const [existing, ...taken] = result.found;
      if (existing !== undefined) throw errors.alreadyExists(resource, object.metadata.name);
      const index = taken.findIndex((kv) => kv !== undefined);
      throw new ClaimTakenError(claims[index]?.key ?? storeKey);
    }
    return CacheEntry.fromStored(key, result.revision, value, 'ADDED');
  }

  /** Stores new objects all at once, or none when one of them is there already; false then. */
  async createAll(
    items: readonly {
      readonly resource: ServedResource;
      readonly key: string;
      readonly object: KubeObject;
    }[],
  ): Promise<boolean> {
    const puts = items.map(
      ({ resource, key, object }): StoreOp => ({
        type: 'put',
        key: `${resource.storagePrefix}/${key}`,
        value: encodeForStore(object),
      }),
    );
    const compare = puts.map(({ key }) => ({ key, modRevision: 0 }));
    return (await this.#store.txn({ compare, success: puts, failure: [] })).succeeded;
  }

  /**
   * Reads, lets `decide` say what becomes of it, and writes on the condition that nobody else wrote
   * meanwhile; else again.
   * `decide` may run several times; it gets undefined when the object is not there. What it throws is only
   * believed on a fresh read.
   */
  async update(
    resource: ServedResource,
    key: string,
    decide: (current: CacheEntry | undefined) => Promise<Change> | Change,
  ): Promise<Changed> {
    let current = this.of(resource).get(key);
    let isFresh = false;
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      const change = await this.#decide(decide, current, isFresh);
      if (change === 'read-again' || (change.type === 'none' && !isFresh)) {
        current = await this.#read(resource, key);
        isFresh = true;
        continue;
      }
      if (change.type === 'none') {
        if (current === undefined) throw errors.notFound(resource, nameOf(key));
        return { type: 'none', entry: current };
      }
      const written = await this.#write(resource, key, current, change);
      if ('entry' in written) return written;
      current = written.current;
      isFresh = true;
    }
    throw errors.conflict(resource, nameOf(key));
  }

  async #decide(
    decide: (current: CacheEntry | undefined) => Promise<Change> | Change,
    current: CacheEntry | undefined,
    isFresh: boolean,
  ): Promise<Change | 'read-again'> {
    try {
      return await decide(current);
    } catch (error) {
      // REG-1: a refusal on what the cache showed may be wrong by now.
      if (isFresh || error instanceof StoreError || isSettled(error)) throw error;
      return 'read-again';
    }
  }

  async #write(
    resource: ServedResource,
    key: string,
    current: CacheEntry | undefined,
    change: Exclude<Change, { type: 'none' }>,
  ): Promise<Changed | { readonly current: CacheEntry | undefined }> {
    const storeKey = `${resource.storagePrefix}/${key}`;
    const claims = change.with?.claim ?? [];
    const value = change.type === 'put' ? encodeForStore(change.object) : undefined;
    const op: StoreOp =
      value === undefined ? { type: 'delete', key: storeKey } : await this.#put(resource, storeKey, value);
    const result = await this.#store.txn({
      compare: [
        { key: storeKey, modRevision: current?.revision ?? 0 },
        ...claims.map((claim) => ({ key: claim.key, modRevision: 0 })),
      ],
      success: [op, ...companionOps(change.with)],
      failure: [storeKey, ...claims.map((claim) => claim.key)],
    });
    if (result.succeeded) {
      if (value !== undefined) {
        return { type: 'put', entry: CacheEntry.fromStored(key, result.revision, value, 'MODIFIED') };
      }
      if (current === undefined) throw errors.notFound(resource, nameOf(key));
      return { type: 'delete', entry: current.atRevision(result.revision, 'DELETED') };
    }
    const [found, ...taken] = result.found;
    if ((found?.modRevision ?? 0) === (current?.revision ?? 0)) {
      const index = taken.findIndex((kv) => kv !== undefined);
      if (index >= 0) throw new ClaimTakenError(claims[index]?.key ?? storeKey);
    }
    return {
      current:
        found === undefined
          ? undefined
          : CacheEntry.fromStored(key, found.modRevision, found.value, 'MODIFIED'),
    };
  }

  async #put(resource: ServedResource, key: string, value: Uint8Array): Promise<StoreOp> {
    return { type: 'put', key, value, lease: await this.#leases.get(resource.storagePrefix)?.() };
  }

  async #read(resource: ServedResource, key: string): Promise<CacheEntry | undefined> {
    const { kvs } = await this.#store.range({ key: `${resource.storagePrefix}/${key}` });
    const kv = kvs[0];
    return kv && CacheEntry.fromStored(key, kv.modRevision, kv.value, 'MODIFIED');
  }
}

const SETTLED = new WeakSet<object>();

/** Marks a refusal that no newer state can make wrong: REG-1 need not read again for it. */
export function settled<E extends Error>(refusal: E): E {
  SETTLED.add(refusal);
  return refusal;
}

function isSettled(error: unknown): boolean {
  return typeof error === 'object' && error !== null && SETTLED.has(error);
}

export function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

function companionOps(companions: Companions | undefined): StoreOp[] {
  if (companions === undefined) return [];
  return [
    ...companions.claim.map(({ key, value }): StoreOp => ({ type: 'put', key, value })),
    ...companions.release.map((key): StoreOp => ({ type: 'delete', key })),
  ];
}
