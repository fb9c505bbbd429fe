/** So many entries may be added, and as many as there are, before a new Map is begun. */
const ADDED_MIN = 64;

/**
 * A Map for what comes and goes by the thousand.
 *
 * V8 moves a Map that is full of deleted entries to other memory, and where it was stays a pointer to where it is.
 * Once one such place has become old, all later ones pass for alive until the next full collection, and with them
 * all that they held when they were left: of 100 000 requests most, 50 MB. Here a Map is left for a new one, which
 * nothing points to, before it has moved often.
 */
export class ChurnMap<K, V> {
  #map = new Map<K, V>();
  #added = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  /** Who iterates meanwhile may not see it. */
  set(key: K, value: V): this {
    if (++this.#added > ADDED_MIN + this.#map.size) {
      this.#map = new Map(this.#map);
      this.#added = 0;
    }
    this.#map.set(key, value);
    return this;
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  /** In the order in which they were added. */
  values(): MapIterator<V> {
    return this.#map.values();
  }

  forEach(visit: (value: V, key: K) => void): void {
    this.#map.forEach(visit);
  }
}
