/**
 * Which requests of each member were applied lately. A member that lost its leader proposes again what it has no answer to;
 * with this, whatever arrives twice is applied once. Part of the replicated state: every member must decide alike.
 */
export class RecentRequests {
  readonly #ids = new Map<string, Set<number>>();

  /** False when it was applied before. */
  add(proposer: string, id: number): boolean {
    let ids = this.#ids.get(proposer);
    if (ids === undefined) {
      ids = new Set();
      this.#ids.set(proposer, ids);
    }
    if (ids.has(id)) return false;
    ids.add(id);
    // A Set remembers the order of adding: the first is the oldest.
    if (ids.size > RECENT_REQUESTS_MAX)
      for (const oldest of ids) {
        ids.delete(oldest);
        break;
      }
    return true;
  }

  toLists(): { proposer: string; ids: number[] }[] {
    return [...this.#ids].map(([proposer, ids]) => ({ proposer, ids: [...ids] }));
  }

  static fromLists(lists: readonly { proposer: string; ids: readonly number[] }[]): RecentRequests {
    const recent = new RecentRequests();
    for (const { proposer, ids } of lists) recent.#ids.set(proposer, new Set(ids));
    return recent;
  }
}

/** Of each member. A request is proposed again only while fewer than half as many of its member came after it. */
export const RECENT_REQUESTS_MAX = 1024;
