/**
 * When we last saw a node live, on our own monotonic clock: what a node's timestamps claim is never believed.
 * Time in which we saw nothing at all (a stopped lab, an API server out of reach, this process paused) counts
 * against nobody.
 * Invariants
 *   NL-1  a node seen for the first time, also after a restart of ours, has a whole grace period
 *   NL-2  a gap in our own sight pushes every node's deadline out by its length
 */
export class NodeSightings {
  readonly #graceMs: number;
  readonly #startupGraceMs: number;
  readonly #nodes = new Map<string, { lastMs: number; hasReported: boolean }>();
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

  /** The node is there; `isSignOfLife` when its lease or its heartbeat moved. */
  saw(node: string, nowMs: number, isSignOfLife: boolean, hasReported: boolean): void {
    this.sawAnything(nowMs);
    const known = this.#nodes.get(node);
    if (known === undefined) this.#nodes.set(node, { lastMs: nowMs, hasReported });
    else {
      if (isSignOfLife) known.lastMs = nowMs;
      known.hasReported ||= hasReported;
    }
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

  /**
   * Ms until the node's silence is too long; 0 or less when it is. A node that never reported has the
   * start-up grace.
   */
  msLeft(node: string, nowMs: number): number {
    const known = this.#nodes.get(node);
    if (known === undefined) return this.#graceMs;
    return known.lastMs + (known.hasReported ? this.#graceMs : this.#startupGraceMs) - nowMs;
  }
}
