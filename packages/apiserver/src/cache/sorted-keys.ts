/** Keys in order, so that a namespace is one slice and pages have a stable order. */
export class SortedKeys {
  #keys: string[] = [];

  get all(): readonly string[] {
    return this.#keys;
  }

  add(key: string): void {
    this.#keys.splice(this.lowerBound(key), 0, key);
  }

  delete(key: string): void {
    const at = this.lowerBound(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Fills from unordered keys, at once. */
  reset(keys: Iterable<string>): void {
    this.#keys = [...keys].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** Those that start with `prefix`. */
  withPrefix(prefix: string): readonly string[] {
    if (prefix === '') return this.#keys;
    const from = this.lowerBound(prefix);
    const to = this.lowerBound(`${prefix}\u{10ffff}`);
    return this.#keys.slice(from, to);
  }

  /** Index of the first key that is not below `key`. */
  lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
