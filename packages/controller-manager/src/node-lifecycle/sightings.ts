/**
 * When we last saw a node live, on our own monotonic clock: what a node's timestamps claim is never believed.
 * Time in which we saw nothing at all (a stopped lab, an API server out of reach, this process paused) counts
 * against nobody.
 * Invariants
 *   NL-1  until its first sign of life that we saw ourselves, also after a restart of ours, a node has the
 *         start-up grace: a whole lab that was stopped comes back at its own pace and loses nothing
 *   NL-2  a gap in our own sight pushes every node's deadline out by its length
 */
export class NodeSightings {
  readonly #graceMs: number;
  readonly #startupGraceMs: number;
  readonly #nodes = new Map<string, { lastMs: number; isSeenLive: boolean }>();
  #lastAnythingMs: number;

  constructor(options: {
    readonly graceMs: number;
    readonly startupGraceMs: number;
    readonly nowMs: number;
  }) {
    this.#graceMs = options.graceMs;
    this.#startupGraceMs = options.startupGraceMs;
    this.#lastAnythingMs = options.nowMs;
  }

  /**
   * The node is there; `isSignOfLife` when its lease or its heartbeat moved. Answers whether that is the first
   * one: the node is judged by the shorter grace from now on.
   */
  saw(node: string, nowMs: number, isSignOfLife: boolean): boolean {
    this.sawAnything(nowMs);
    const known = this.#nodes.get(node);
    if (known === undefined) this.#nodes.set(node, { lastMs: nowMs, isSeenLive: false });
    else if (isSignOfLife) {
      const isFirst = !known.isSeenLive;
      known.lastMs = nowMs;
      known.isSeenLive = true;
      return isFirst;
    }
    return false;
  }

  /** Any lease of anyone moved, or a live read was answered: we see. */
  sawAnything(nowMs: number): void {
    const gapMs = nowMs - this.#lastAnythingMs;
    this.#lastAnythingMs = nowMs;
    if (gapMs <= this.blindAfterMs) return;
    for (const node of this.#nodes.values()) node.lastMs += gapMs; // NL-2
  }

  forget(node: string): void {
    this.#nodes.delete(node);
  }

  /** A longer time without any sight is a gap. */
  get blindAfterMs(): number {
    return this.#graceMs / 2;
  }

  /** How long ago we saw anything. */
  sightAgeMs(nowMs: number): number {
    return nowMs - this.#lastAnythingMs;
  }

  /** Half through its grace, or not seen alive yet: our own sight has to be fresh when the verdict comes. */
  isSuspect(node: string, nowMs: number): boolean {
    return this.#nodes.get(node)?.isSeenLive !== true || this.msLeft(node, nowMs) <= this.blindAfterMs;
  }

  /**
   * Ms until the node's silence is too long; 0 or less when it is (NL-1).
   */
  msLeft(node: string, nowMs: number): number {
    const known = this.#nodes.get(node);
    if (known === undefined) return this.#startupGraceMs;
    return known.lastMs + (known.isSeenLive ? this.#graceMs : this.#startupGraceMs) - nowMs;
  }
}
