/**
 * Linearizable reads without log entries (thesis §6.4): a read may see whatever is committed once a quorum
 * has confirmed, after the read arrived, that this leader still leads.
 *
 * Reads gather until the next Ready; then one numbered round of heartbeats serves them all. Rounds are
 * numbered rather than named by the reads, so that a delayed answer to an old heartbeat can never confirm a
 * younger read (RAFT-9).
 */
import type { NodeId, ReadContext } from './types.ts';

export interface ReadRequest {
  readonly from: NodeId;
  readonly context: ReadContext;
}

export interface ReadBatch {
  readonly round: number;
  /** The commit index when the round began. */
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

export class ReadRounds {
  /** The last round begun; heartbeats carry it. */
  round = 0;
  #waiting: ReadRequest[] = [];
  #open: ReadBatch[] = [];
  #pendingCount = 0;
  readonly #pendingMax: number;

  constructor(pendingMax: number) {
    this.#pendingMax = pendingMax;
  }

  /** False when too many wait already. */
  add(request: ReadRequest): boolean {
    if (this.#pendingCount >= this.#pendingMax) return false;
    this.#pendingCount++;
    this.#waiting.push(request);
    return true;
  }

  hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  begin(commit: number): void {
    this.round++;
    this.#open.push({ round: this.round, index: commit, requests: this.#waiting });
    this.#waiting = [];
  }

  /** A quorum has confirmed this round, and with it all earlier ones. */
  confirm(round: number): ReadBatch[] {
    const open = this.#open.findIndex((batch) => batch.round > round);
    const confirmed = this.#open.splice(0, open === -1 ? this.#open.length : open);
    for (const batch of confirmed) this.#pendingCount -= batch.requests.length;
    return confirmed;
  }
}
