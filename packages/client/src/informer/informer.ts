/**
 * Informer — a cache of one collection, kept by a reflector, that tells handlers what changes.
 * Invariants
 *   INF-1  a handler hears of every object once as added, then of its changes in order, then of its removal,
 *          however often the
 *          watch breaks; the cache is already as the handler is told
 *   INF-2  hasSynced is true only when every handler has heard of the whole first list
 */
import { Indexer, type KubeObject, objectKey, type ResourceType } from '@kubelab/api';
import type {
  DeepReadonly,
  Handlers,
  Informer,
  KubeClient,
  ListOptions,
  ObjectKey,
  RuntimeDeps,
} from '../types.ts';
import { Reflector, type ReflectorStore } from './reflector.ts';

export class CachedInformer<T extends KubeObject> implements Informer<T>, ReflectorStore<T> {
  readonly #cache = new Indexer<T>();
  readonly #handlers: Handlers<T>[] = [];
  readonly #reflector: Reflector<T>;
  #isSynced = false;
  #onSynced: (() => void)[] = [];

  constructor(
    client: KubeClient,
    type: ResourceType<T>,
    options: RuntimeDeps & { readonly scope?: ListOptions },
  ) {
    this.#reflector = new Reflector(client, type, this, options);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  addHandler(handlers: Handlers<T>): void {
    this.#handlers.push(handlers);
    for (const object of this.#cache.list()) handlers.onAdd?.(readOnly(object), true);
  }
  addIndex(name: string, values: (object: DeepReadonly<T>) => readonly string[]): void {
    this.#cache.addIndex(name, (object) => values(readOnly(object)));
  }
  hasSynced(): boolean {
    return this.#isSynced;
  }
  /** Calls back once the first list is in the cache; at once when it is already. */
  whenSynced(fn: () => void): void {
    if (this.#isSynced) fn();
    else this.#onSynced.push(fn);
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    const object = this.#cache.get(key);
    return object === undefined ? undefined : readOnly(object);
  }
  list(): DeepReadonly<T>[] {
    return readOnlyAll(this.#cache.list());
  }
  byNamespace(namespace: string): DeepReadonly<T>[] {
    return readOnlyAll(this.#cache.byNamespace(namespace));
  }
  byIndex(index: string, value: string): DeepReadonly<T>[] {
    return readOnlyAll(this.#cache.byIndex(index, value));
  }
  ownedBy(uid: string): DeepReadonly<T>[] {
    return readOnlyAll(this.#cache.byOwner(uid));
  }

  replace(objects: readonly T[]): void {
    const isFirst = !this.#isSynced;
    const gone = new Set(this.#cache.keys());
    for (const object of objects) {
      gone.delete(objectKey(object));
      this.upsert(object, isFirst);
    }
    for (const key of gone) this.#removeKey(key);
    this.#isSynced = true;
    for (const fn of this.#onSynced.splice(0)) fn();
  }

  upsert(object: T, inInitialList = false): void {
    const known = this.#cache.get(objectKey(object));
    if (known !== undefined && known.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) {
      // Deleted and made again while nobody watched: two lives, two stories.
      this.#removeKey(objectKey(object));
      this.upsert(object, inInitialList);
      return;
    }
    this.#cache.upsert(object);
    for (const handlers of this.#handlers) {
      if (known === undefined) handlers.onAdd?.(readOnly(object), inInitialList);
      else handlers.onUpdate?.(readOnly(known), readOnly(object));
    }
  }

  remove(object: T): void {
    const key = objectKey(object);
    if (this.#cache.get(key) === undefined) return;
    this.#cache.delete(key);
    for (const handlers of this.#handlers) handlers.onDelete?.(readOnly(object));
  }

  #removeKey(key: ObjectKey): void {
    const last = this.#cache.get(key);
    if (last !== undefined) this.remove(last);
  }
}

function readOnly<T>(object: T): DeepReadonly<T> {
  return object as DeepReadonly<T>;
}

function readOnlyAll<T>(objects: T[]): DeepReadonly<T>[] {
  return objects as DeepReadonly<T>[];
}
