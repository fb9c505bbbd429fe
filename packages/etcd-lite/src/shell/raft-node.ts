import { type Clock, type Timer, Traffic } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { Entry, Message, Raft, ReadState, Ready, SnapshotMetadata, SoftState } from 'raft-consensus';
import { entryToWire } from '../transport/message-codec.ts';
import type { WalRecord } from '../wire.ts';
import type { Anticipation } from './anticipation.ts';

/** What the driver works on. */
export interface RaftNodeOptions {
  readonly raft: Pick<Raft, 'tick' | 'step' | 'hasReady' | 'ready' | 'persisted' | 'advance'>;
  readonly clock: Clock;
  /** One unit of Raft's logical time. */
  readonly tickMs: number;
  /** Durable when it resolves; with `mayBlock` perhaps already when it returns, which is then undefined. */
  readonly append: (record: Init<WalRecord>, mayBlock: boolean) => Promise<void> | undefined;
  readonly send: (messages: readonly Message[]) => void;
  readonly apply: (entries: readonly Entry[]) => void;
  /** The state itself is on disk already. */
  readonly restore: (metadata: SnapshotMetadata) => Promise<void>;
  readonly reads: (reads: readonly ReadState[]) => void;
  readonly leadership: (state: SoftState) => void;
  /** Just before each round: what came in during this turn can still join it. */
  readonly beforeRound: () => void;
  /** Where a process has this member for itself. */
  readonly anticipation: Anticipation | undefined;
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
  readonly #traffic = new Traffic();
  #isAwake = false;
  #isDriving = false;
  #driving: Promise<void> | undefined;
  #isStopped = false;
  /** Since the last write was done. */
  #hasSent = false;
  #commitOnly: Ready['hardState'];
  #tickTimer: Timer | undefined;
  #isLeader = false;
  #lateHeartbeats = 0;

  constructor(options: RaftNodeOptions) {
    this.#options = options;
    this.#tick();
  }

  /** Of this member as leader, more than one interval late: the process does not get to do its work. */
  get lateHeartbeats(): number {
    return this.#lateHeartbeats;
  }

  /** What other members say. */
  step(messages: readonly Message[]): void {
    try {
      for (const message of messages) this.#options.raft.step(message);
    } catch (error) {
      return this.#fail(error);
    }
    this.wake();
  }

  /**
   * Something was given to the core; its effects are carried out at the end of this turn of the event loop, together
   * with those of whatever else comes in. What comes alone does not wait so long: its answer can leave in this turn.
   */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    if (this.#traffic.isFirstOfFew()) queueMicrotask(this.#awake);
    else setImmediate(this.#awake);
  }

  readonly #awake = (): void => {
    this.#isAwake = false;
    if (!this.#isStopped) this.#round();
  };

  /** Resolves when no write is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#tickTimer?.cancel();
    await this.#driving;
  }

  #tick(): void {
    const { raft, clock, tickMs } = this.#options;
    const dueMs = clock.monotonic() + tickMs;
    this.#tickTimer = clock.setTimer(tickMs, () => {
      if (this.#isLeader && clock.monotonic() - dueMs > tickMs) this.#lateHeartbeats++;
      this.#tick();
      raft.tick();
      if (raft.hasReady()) this.wake();
    });
  }

  #round(): void {
    this.#options.anticipation?.came();
    try {
      this.#take();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#isDriving) this.#driving = this.#drive();
  }

  /** Takes what the core wants done, and does at once what need not wait for a write. */
  #take(): void {
    const { raft, send, leadership, beforeRound } = this.#options;
    beforeRound();
    for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
      if (ready.softState !== undefined) {
        this.#isLeader = ready.softState.role === 'leader';
        leadership(ready.softState);
      }
      // A leader's appends leave now, while its own write is still to come.
      if (ready.messages.length > 0) {
        send(ready.messages);
        this.#hasSent = true;
      }
      this.#queue.push(ready);
    }
  }

  /**
   * Without a wait where none is needed: a lone client's write is taken, made durable, committed, applied and
   * answered in one turn of the event loop, if the disk is quick (0.1 ms less than over two more turns and
   * another thread). Never rejects. Says that it is done in the same breath as it finds nothing more to do: what
   * comes after that is driven by the next round.
   */
  async #drive(): Promise<void> {
    this.#isDriving = true;
    let isInPlace = false;
    try {
      while (this.#queue.length > 0 && !this.#isStopped) {
        const batch = this.#takeBatch();
        const record = this.#recordOf(batch);
        if (record !== undefined) {
          // One entry, or a vote: somebody waits for just this.
          const isLone = record.snapshot === null && (record.entries?.length ?? 0) <= 1;
          const written = this.#options.append(record, isLone);
          if (written !== undefined) await written;
          else isInPlace = !this.#hasSent;
          // Nobody is there any more for what would follow from it.
          if (this.#isStopped) return;
        }
        this.#hasSent = false;
        for (const ready of batch) {
          const restored = this.#finish(ready);
          if (restored !== undefined) await restored;
          this.#options.raft.advance(ready);
        }
        if (this.#options.raft.hasReady()) this.#take();
      }
      if (isInPlace) this.#options.anticipation?.served();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isDriving = false;
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

  /** Resolves, if it has to wait at all, when `ready` is restored and applied. */
  #finish(ready: Ready): Promise<void> | undefined {
    const { raft, send, restore } = this.#options;
    raft.persisted(ready);
    if (ready.messagesAfterWrite.length > 0) send(ready.messagesAfterWrite);
    if (ready.snapshot !== undefined) {
      return restore(ready.snapshot.metadata).then(() => this.#apply(ready));
    }
    this.#apply(ready);
    return undefined;
  }

  #apply({ committed, reads }: Ready): void {
    if (committed.length > 0) this.#options.apply(committed);
    if (reads.length > 0) this.#options.reads(reads);
  }

  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#tickTimer?.cancel();
    this.#options.fatal(error);
  }
}
