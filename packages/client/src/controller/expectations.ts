import type { Clock } from '@kubelab/component-base';
import type { ObjectKey } from '../types.ts';

interface Expected {
  createCount: number;
  /** Keys or uids of what is to vanish; a set, as a deletion may be seen twice (marked, then gone). */
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/** After this it is taken that the watch will not tell any more, as upstream does. */
const EXPIRE_MS = 5 * 60_000;

/**
 * What a controller has asked for and its cache has not shown yet: until it has, counting the cache would ask
 * a second time.
 * Invariant
 *   EXP-1  areMet(key) is false from the request until every creation and deletion of it was observed (or 5
 *          minutes passed)
 */
export class Expectations {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #byKey = new Map<ObjectKey, Expected>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Call before the first write of the pass. Adds to what is still open. */
  expect(key: ObjectKey, what: { readonly creations?: number; readonly deletions?: Iterable<string> }): void {
    const open = this.areMet(key) ? undefined : this.#byKey.get(key);
    this.#byKey.set(key, {
      createCount: (open?.createCount ?? 0) + (what.creations ?? 0),
      deletions: new Set([...(open?.deletions ?? []), ...(what.deletions ?? [])]),
      sinceMs: this.#clock.monotonic(),
    });
  }
  expectCreations(key: ObjectKey, count: number): void {
    this.expect(key, { creations: count });
  }
  expectDeletions(key: ObjectKey, deletions: Iterable<string>): void {
    this.expect(key, { deletions });
  }

  /** The cache showed a new object of this controller, or a create failed and will not be seen. */
  creationObserved(key: ObjectKey, count = 1): void {
    const expected = this.#byKey.get(key);
    if (expected !== undefined) expected.createCount = Math.max(0, expected.createCount - count);
  }
  /** The cache showed an object gone or marked, or a delete failed. */
  deletionObserved(key: ObjectKey, deleted: string): void {
    this.#byKey.get(key)?.deletions.delete(deleted);
  }

  areMet(key: ObjectKey): boolean {
    const expected = this.#byKey.get(key);
    if (expected === undefined) return true;
    if (expected.createCount === 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonic() - expected.sinceMs > EXPIRE_MS;
  }

  forget(key: ObjectKey): void {
    this.#byKey.delete(key);
  }
}
