/**
 * Owners that the API server has said are gone. A uid never comes back, so this can be believed for ever; it
 * is bounded all the same.
 */
export class AbsentOwners {
  readonly #uids = new Set<string>();

  has(uid: string): boolean {
    return this.#uids.has(uid);
  }
  add(uid: string): void {
    this.#uids.add(uid);
    if (this.#uids.size <= ABSENT_OWNERS_MAX) return;
    const [oldest] = this.#uids;
    if (oldest !== undefined) this.#uids.delete(oldest);
  }
}

const ABSENT_OWNERS_MAX = 1000;
