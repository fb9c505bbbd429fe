/**
 * Reflector — keeps a local store equal to a collection on the server: list once, then watch from its
 * resourceVersion.
 * Reads: the server.  Writes: the store it was given.
 * Invariants
 *   REFL-1  after a lost watch it goes on from the last resourceVersion seen: nothing is missed, nothing is
 *           listed twice
 *   REFL-2  when the server no longer has that history (Expired) it lists anew, and the store gets the
 *           difference
 *   REFL-3  a failure is answered by a pause that grows, with jitter; success resets it
 */
import { isStatus, type KubeObject, type ResourceType } from '@kubelab/api';
import { type Clock, type Logger, type Random } from '@kubelab/component-base';
import { TransportError } from '../transport/transport.ts';
import type { KubeClient, ListOptions, RuntimeDeps, WatchEvent } from '../types.ts';
import { Backoff } from './backoff.ts';

export interface ReflectorStore<T> {
  /** The whole collection, after a list. */
  replace(objects: readonly T[]): void;
  upsert(object: T): void;
  remove(object: T): void;
}

const PAGE_ITEMS = 500;
const BACKOFF_FIRST_MS = 50;
/** Short for upstream (30 s), as a lab is to be seen healing; a failing list costs little. */
const BACKOFF_MAX_MS = 2_000;
/** Upstream's range: watches do not all end at the same moment. */
const WATCH_SECONDS_MIN = 300;
/** A watch that ends sooner than this has failed, however politely. */
const WATCH_SHORT_MS = 1_000;

export class Reflector<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #scope: ListOptions;
  readonly #store: ReflectorStore<T>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #backoff: Backoff;
  #lastTrouble: string | undefined;

  constructor(
    client: KubeClient,
    type: ResourceType<T>,
    store: ReflectorStore<T>,
    options: RuntimeDeps & { readonly scope?: ListOptions },
  ) {
    this.#client = client;
    this.#type = type;
    this.#store = store;
    this.#scope = options.scope ?? {};
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log.child({ resource: type.resource });
    this.#backoff = new Backoff(BACKOFF_FIRST_MS, BACKOFF_MAX_MS, options.random);
  }

  /** Until `signal` is aborted. Rejects only for errors that are bugs (a handler that throws). */
  async run(signal: AbortSignal): Promise<void> {
    let resourceVersion: string | undefined;
    while (!signal.aborted) {
      try {
        resourceVersion ??= await this.#list();
        for await (const event of this.#watch(resourceVersion, signal)) resourceVersion = this.#apply(event);
      } catch (error) {
        if (signal.aborted) return;
        if (isStatus(error, 'Expired', 'Gone')) resourceVersion = undefined; // REFL-2
        await this.#pauseAfter(error, signal);
      }
    }
  }

  async #list(): Promise<string> {
    const objects: T[] = [];
    let page = await this.#client.list(this.#type, { ...this.#scope, limit: PAGE_ITEMS });
    objects.push(...page.items);
    while (page.metadata.continue !== undefined && page.metadata.continue !== '') {
      page = await this.#client.list(this.#type, {
        ...this.#scope,
        limit: PAGE_ITEMS,
        continue: page.metadata.continue,
      });
      objects.push(...page.items);
    }
    this.#store.replace(objects);
    this.#lastTrouble = undefined;
    this.#log.debug('listed', { count: objects.length, rev: page.metadata.resourceVersion });
    return page.metadata.resourceVersion;
  }

  async *#watch(resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const startMs = this.#clock.monotonic();
    yield* this.#client.watch(this.#type, {
      ...this.#scope,
      resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS_MIN + this.#random.int(WATCH_SECONDS_MIN),
      signal,
    });
    if (this.#clock.monotonic() - startMs >= WATCH_SHORT_MS) this.#backoff.reset();
    else if (!signal.aborted) await this.#clock.sleep(this.#backoff.nextMs(), signal);
  }

  /** Gives the resourceVersion to go on from: REFL-1. */
  #apply(event: WatchEvent<T>): string {
    this.#backoff.reset();
    if (event.type === 'BOOKMARK') return event.resourceVersion;
    if (event.type === 'DELETED') this.#store.remove(event.object);
    else this.#store.upsert(event.object);
    return event.object.metadata.resourceVersion;
  }

  async #pauseAfter(error: unknown, signal: AbortSignal): Promise<void> {
    if (!isStatus(error) && !(error instanceof TransportError)) throw error;
    const delayMs = this.#backoff.nextMs();
    // The same trouble again is told once; what it was comes back into the log when it changes.
    const level = error.message === this.#lastTrouble ? 'debug' : 'warn';
    this.#lastTrouble = error.message;
    this.#log[level]('list and watch interrupted', { err: error.message, retryMs: Math.round(delayMs) });
    await this.#clock.sleep(delayMs, signal).catch(() => undefined);
  }
}
