import type { Clock, Timer } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { Entry, Message, Raft, ReadState, Ready, SnapshotMetadata, SoftState } from 'raft-consensus';
import { entryToWire } from '../transport/message-codec.ts';
import type { WalRecord } from '../wire.ts';

/** What the driver works on. */
export interface RaftNodeOptions {
  readonly raft: Pick<Raft, 'tick' | 'hasReady' | 'ready' | 'persisted' | 'advance'>;
  readonly clock: Clock;
  /** One unit of Raft's logical time. */
  readonly tickMs: number;
  /** Durable when it resolves (if `isSynced`). */
  readonly append: (record: Init<WalRecord>, isSynced: boolean) => Promise<void>;
  readonly send: (messages: readonly Message[]) => void;
  readonly apply: (entries: readonly Entry[]) => void;
  /** The state itself is on disk already. */
  readonly restore: (metadata: SnapshotMetadata) => Promise<void>;
  readonly reads: (reads: readonly ReadState[]) => void;
  readonly leadership: (state: SoftState) => void;
  /** Just before each round: what came in during this turn can still join it. */
  readonly beforeRound: () => void;
  /** The disk failed, or an invariant broke: the process must end. */
  readonly fatal: (error: unknown) => void;
}

/**
 * The one driver of the core: ready → send → append to the log → send what waited for it → apply → advance.
 * Invariants
 *   NODE-1  one write at a time; what arrives meanwhile goes into the next one together
 *   NODE-2  Readies are persisted, applied and advanced in the order in which they came
 */
export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #queue: Ready[] = [];
  #isAwake = false;
  #driving: Promise<void> | undefined;
  #isStopped = false;
  #commitOnly: Ready['hardState'];
  #tickTimer: Timer | undefined;

  constructor(options: RaftNodeOptions) {
    this.#options = options;
    this.#tick();
  }

  /**
   * Something was given to the core; its effects are carried out at the end of this turn of the event loop.
   */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      if (!this.#isStopped) this.#round();
    });
  }

  /** Resolves when no write is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#tickTimer?.cancel();
    await this.#driving;
  }

  #tick(): void {
    const { raft, clock, tickMs } = this.#options;
    this.#tickTimer = clock.setTimer(tickMs, () => {
      this.#tick();
      raft.tick();
      if (raft.hasReady()) this.wake();
    });
  }

  #round(): void {
    const { raft, send, leadership, beforeRound } = this.#options;
    try {
      beforeRound();
      for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
        if (ready.softState !== undefined) leadership(ready.softState);
        // A leader's appends leave now, while its own write is still to come.
        if (ready.messages.length > 0) send(ready.messages);
        this.#queue.push(ready);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#driving ??= this.#drive()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => (this.#driving = undefined));
  }

  async #drive(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isStopped) {
      const batch = this.#takeBatch();
      const record = this.#recordOf(batch);
      if (record !== undefined) await this.#options.append(record, true);
      for (const ready of batch) await this.#finish(ready);
      if (this.#options.raft.hasReady()) this.wake();
    }
  }

  /** All that waits, but a snapshot goes alone: the state must be restored between two writes. */
  #takeBatch(): Ready[] {
    const snapshotAt = this.#queue.findIndex(({ snapshot }) => snapshot !== undefined);
    return this.#queue.splice(0, snapshotAt < 0 ? this.#queue.length : Math.max(1, snapshotAt));
  }

  /**
   * One record for the whole batch. Undefined: nothing that must be durable now; a moved commit index can
   * wait.
   */
  #recordOf(batch: readonly Ready[]): Init<WalRecord> | undefined {
    const hardState = batch.findLast((ready) => ready.hardState !== undefined)?.hardState ?? this.#commitOnly;
    if (!batch.some(({ mustSync }) => mustSync)) {
      this.#commitOnly = hardState;
      return undefined;
    }
    this.#commitOnly = undefined;
    return {
      entries: batch.flatMap(({ entries }) => entries.map(entryToWire)),
      snapshot: batch[0]?.snapshot?.metadata ?? null,
      hardState: hardState === undefined ? null : { ...hardState, vote: hardState.vote ?? '' },
    };
  }

  async #finish(ready: Ready): Promise<void> {
    const { raft, send, apply, restore, reads } = this.#options;
    raft.persisted(ready);
    if (ready.messagesAfterWrite.length > 0) send(ready.messagesAfterWrite);
    if (ready.snapshot !== undefined) await restore(ready.snapshot.metadata);
    if (ready.committed.length > 0) apply(ready.committed);
    if (ready.reads.length > 0) reads(ready.reads);
    raft.advance(ready);
  }

  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#tickTimer?.cancel();
    this.#options.fatal(error);
  }
}
