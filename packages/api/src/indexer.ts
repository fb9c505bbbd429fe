/**
 * A keyed collection with indexes: what informers keep and the API server's watch cache lists from.
 * Reads: nothing.  Writes: itself.  Objects in it are shared and therefore read-only.
 * Invariants
 *   IDX-1  every index holds exactly the keys of the objects whose index function gives that value
 */
import { controllerOf } from './helpers/owners.ts';
import { objectKey } from './helpers/object-key.ts';
import type { KubeObject } from './meta.ts';

export type IndexFunctions<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** Index value → key → object, in insertion order. */
type Index<T> = Map<string, Map<string, T>>;

const NAMESPACE = 'kubelab:namespace';
const OWNER = 'kubelab:owner';

export class Indexer<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #functions = new Map<string, (object: T) => readonly string[]>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor(indexFunctions: IndexFunctions<T> = {}) {
    this.addIndex(NAMESPACE, (object) => [object.metadata.namespace ?? '']);
    this.addIndex(OWNER, (object) => {
      const owner = controllerOf(object);
      return owner === undefined ? [] : [owner.uid];
    });
    for (const [name, values] of Object.entries(indexFunctions)) this.addIndex(name, values);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Adds an index over what is here and what will come. */
  addIndex(name: string, values: (object: T) => readonly string[]): void {
    const index: Index<T> = new Map();
    this.#functions.set(name, values);
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) link(index, values(object), key, object);
  }

  /** Adds or replaces; gives the object that was there. */
  upsert(object: T): T | undefined {
    const key = objectKey(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const [name, index] of this.#indexes) {
      const values = this.#functions.get(name);
      if (values === undefined) continue;
      const after = values(object);
      if (old !== undefined) {
        const gone = values(old).filter((value) => !after.includes(value));
        unlink(index, gone, key);
      }
      link(index, after, key, object);
    }
    return old;
  }

  /** Removes by key; gives the object that was there. */
  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    for (const [name, index] of this.#indexes) unlink(index, this.#functions.get(name)?.(old) ?? [], key);
    return old;
  }

  /** Makes the contents exactly `objects`: what a relist does. */
  replace(objects: Iterable<T>): void {
    this.#objects.clear();
    for (const index of this.#indexes.values()) index.clear();
    for (const object of objects) this.upsert(object);
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  has(key: string): boolean {
    return this.#objects.has(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byNamespace(namespace: string): T[] {
    return this.byIndex(NAMESPACE, namespace);
  }

  /** Unknown index names are a mistake in the caller, not an empty answer. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`no index named ${name}`);
    return [...(index.get(value)?.values() ?? [])];
  }

  /** Objects whose controller has this uid. */
  byOwner(uid: string): T[] {
    return this.byIndex(OWNER, uid);
  }
}

function link<T>(index: Index<T>, values: readonly string[], key: string, object: T): void {
  for (const value of values) {
    let entries = index.get(value);
    if (entries === undefined) index.set(value, (entries = new Map()));
    entries.set(key, object);
  }
}

function unlink<T>(index: Index<T>, values: readonly string[], key: string): void {
  for (const value of values) {
    const entries = index.get(value);
    entries?.delete(key);
    if (entries?.size === 0) index.delete(value);
  }
}
