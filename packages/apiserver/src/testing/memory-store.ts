import {
  type KeyValue,
  type LeaseId,
  type RangeRequest,
  type RangeResult,
  type Store,
  StoreError,
  type StoreEvent,
  type StoreWatch,
  type StoreWatchHandlers,
  type StoreWatchRequest,
  type TxnRequest,
  type TxnResult,
} from '../store/store.ts';

interface Change {
  readonly revision: number;
  readonly key: string;
  /** undefined: deleted. */
  readonly value: Uint8Array | undefined;
}

interface MemoryWatch {
  readonly request: StoreWatchRequest;
  readonly handlers: StoreWatchHandlers;
  /** The next revision to deliver. */
  next: number;
}

/**
 * etcd's model in memory for tests: one log of changes, revisions, txns, watches. Events arrive a turn after
 * their write.
 */
export class MemoryStore implements Store {
  revision = 1;
  compactedRevision = 0;
  /** Set to make every call fail. */
  failure: StoreError | undefined;
  readonly #changes: Change[] = [];
  readonly #watches = new Set<MemoryWatch>();
  readonly #leases = new Map<LeaseId, Set<string>>();
  /** Watch events wait here while `heldBack`. */
  #pending: (() => void)[] = [];
  #heldBack = false;

  range(request: RangeRequest): Promise<RangeResult> {
    return this.#call(() => {
      const at = request.revision ?? this.revision;
      if (at > this.revision)
        throw new StoreError('future-revision', 'required revision is a future revision');
      if (at < this.compactedRevision)
        throw new StoreError('compacted', 'required revision has been compacted');
      const all = [...this.#stateAt(at).values()]
        .filter((kv) => inRange(kv.key, request))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const kvs = request.countOnly === true ? [] : all.slice(0, request.limit ?? all.length);
      return { revision: this.revision, kvs, count: all.length };
    });
  }

  txn(request: TxnRequest): Promise<TxnResult> {
    return this.#call(() => {
      const state = this.#stateAt(this.revision);
      const succeeded = request.compare.every(
        ({ key, modRevision }) => (state.get(key)?.modRevision ?? 0) === modRevision,
      );
      if (!succeeded) {
        return { succeeded, revision: this.revision, found: request.failure.map((key) => state.get(key)) };
      }
      const changes = request.success
        .filter((op) => op.type === 'put' || state.has(op.key))
        .map((op) => ({ key: op.key, value: op.type === 'put' ? op.value : undefined }));
      for (const op of request.success)
        if (op.type === 'put' && op.lease !== undefined) this.#leases.get(op.lease)?.add(op.key);
      this.#commit(changes);
      return { succeeded, revision: this.revision, found: [] };
    });
  }

  leaseGrant(_ttlSeconds: number): Promise<LeaseId> {
    return this.#call(() => {
      const id = String(this.#leases.size + 1);
      this.#leases.set(id, new Set());
      return id;
    });
  }

  /** Ends a lease now: its keys vanish in one revision. */
  expireLease(id: LeaseId): void {
    const state = this.#stateAt(this.revision);
    const keys = [...(this.#leases.get(id) ?? [])].filter((key) => state.has(key));
    this.#commit(keys.map((key) => ({ key, value: undefined })));
  }

  compact(revision: number): Promise<void> {
    this.compactedRevision = revision;
    return Promise.resolve();
  }

  watch(request: StoreWatchRequest, handlers: StoreWatchHandlers): StoreWatch {
    const watch: MemoryWatch = { request, handlers, next: request.startRevision };
    this.#watches.add(watch);
    this.#soon(() => {
      if (request.startRevision <= this.compactedRevision) this.#end(watch);
      else this.#deliver(watch);
    });
    return {
      requestProgress: () =>
        this.#soon(() => {
          // Whatever was held back comes first: a progress notice never overtakes an event.
          this.#deliver(watch);
          if (this.#watches.has(watch)) handlers.onProgress(this.revision);
        }),
      close: () => void this.#watches.delete(watch),
    };
  }

  close(): void {
    this.#watches.clear();
  }

  /** Loses every watch as a compaction would. */
  breakWatches(): void {
    for (const watch of this.#watches) this.#end(watch);
  }

  /** While held back, watch events and progress are not delivered: the cache falls behind. */
  holdBack(held: boolean): void {
    this.#heldBack = held;
    if (held) return;
    const pending = this.#pending;
    this.#pending = [];
    for (const fn of pending) setImmediate(fn);
  }

  #commit(changes: readonly Omit<Change, 'revision'>[]): void {
    if (changes.length === 0) return;
    this.revision++;
    const revision = this.revision;
    for (const change of changes) this.#changes.push({ ...change, revision });
    for (const watch of this.#watches) this.#soon(() => this.#deliver(watch));
  }

  #deliver(watch: MemoryWatch): void {
    while (this.#watches.has(watch) && watch.next <= this.revision)
      this.#deliverRevision(watch, watch.next++);
  }

  #deliverRevision({ request, handlers }: MemoryWatch, revision: number): void {
    const events = this.#changes
      .filter((change) => change.revision === revision && inRange(change.key, request))
      .map(
        ({ key, value }): StoreEvent =>
          value === undefined
            ? { type: 'delete', key, modRevision: revision }
            : { type: 'put', kv: { key, value, modRevision: revision } },
      );
    if (events.length > 0) handlers.onEvents(events, revision);
  }

  #end(watch: MemoryWatch): void {
    this.#watches.delete(watch);
    watch.handlers.onClosed('compacted');
  }

  #stateAt(revision: number): Map<string, KeyValue> {
    const state = new Map<string, KeyValue>();
    for (const change of this.#changes) {
      if (change.revision > revision) break;
      if (change.value === undefined) state.delete(change.key);
      else state.set(change.key, { key: change.key, value: change.value, modRevision: change.revision });
    }
    return state;
  }

  #soon(fn: () => void): void {
    setImmediate(() => {
      if (this.#heldBack) this.#pending.push(fn);
      else fn();
    });
  }

  async #call<T>(fn: () => T): Promise<T> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    return fn();
  }
}

function inRange(
  key: string,
  { key: from, rangeEnd }: { readonly key: string; readonly rangeEnd?: string },
): boolean {
  return rangeEnd === undefined ? key === from : key >= from && key < rangeEnd;
}
