import { assert, type Clock, type Timer, Traffic } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type {
  Entry,
  Message,
  MessageType,
  Raft,
  ReadState,
  Ready,
  SnapshotMetadata,
  SoftState,
} from 'raft-consensus';
import { entryToWire, hardStateToWire } from '../transport/message-codec.ts';
import type { WalRecord } from '../wire.ts';
import type { Anticipation } from './anticipation.ts';

/** What the driver works on. */
export interface RaftNodeOptions {
  readonly raft: Pick<Raft, 'leader' | 'tick' | 'step' | 'hasReady' | 'ready' | 'persisted' | 'advance'>;
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
  /** There is another leader than before: what is proposed now is in its first appends, or in this round's messages to it. */
  readonly leaderKnown: () => void;
  /** Just before each round: what came in during this turn can still join it. */
  readonly beforeRound: () => void;
  /** Where a process has this member for itself. */
  readonly anticipation: Anticipation | undefined;
  /** The disk failed, or an invariant broke: the process must end. */
  readonly fatal: (error: unknown) => void;
}

const ELECTION_TYPES: ReadonlySet<MessageType> = new Set([
  'timeout-now',
  'pre-vote',
  'pre-vote-response',
  'vote',
  'vote-response',
]);

/** A Ready on its way. */
interface Taken {
  readonly ready: Ready;
  isPersisted: boolean;
  isApplied: boolean;
}

/**
 * The one driver of the core: ready → send → append to the log → send what waited for it → apply → advance. What is
 * committed, and in the log already, is applied before the next write, and while one is under way.
 * Invariants
 *   NODE-1  one write at a time; what arrives meanwhile goes into the next one together
 *   NODE-2  Readies are persisted, applied and advanced in the order in which they came
 *   NODE-3  nothing is applied that is not in this member's own log on disk
 */
export class RaftNode {
  readonly #options: RaftNodeOptions;
  /** Those that are not advanced yet, in order. */
  readonly #taken: Taken[] = [];
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
  #leader: string | undefined;
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
    if (messages.some(({ type }) => ELECTION_TYPES.has(type))) this.hurry();
    else this.wake();
  }

  /** As `wake`, but nothing else of this turn is waited for: nobody is served while the leader changes. */
  hurry(): void {
    queueMicrotask(this.#hurried);
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
    this.#hurried();
  };

  readonly #hurried = (): void => {
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
    const { raft, send, leadership, leaderKnown, beforeRound } = this.#options;
    const { leader } = raft;
    if (leader !== this.#leader && leader !== undefined) leaderKnown();
    this.#leader = leader;
    beforeRound();
    for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
      // A leader's appends leave now, while its own write is still to come.
      if (ready.messages.length > 0) {
        send(ready.messages);
        this.#hasSent = true;
      }
      if (ready.softState !== undefined) {
        this.#isLeader = ready.softState.role === 'leader';
        leadership(ready.softState);
      }
      this.#taken.push({ ready, isPersisted: false, isApplied: false });
      // A leader's clients wait for this; at a follower hardly anybody, and the leader waits for what it writes.
      if (this.#isLeader || this.#isDriving) this.#applyDurable();
      // Each waits for the state it speaks of by itself.
      if (ready.reads.length > 0) this.#options.reads(ready.reads);
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
      while (this.#taken.length > 0 && !this.#isStopped) {
        const batch = this.#batch();
        const record = this.#recordOf(batch.map(({ ready }) => ready));
        if (record !== undefined) {
          // One entry, or a vote: somebody waits for just this.
          const isLone = record.snapshot === null && (record.entries?.length ?? 0) <= 1;
          const written = this.#options.append(record, isLone);
          if (written === undefined) isInPlace = !this.#hasSent;
          else {
            this.#applyDurable();
            await written;
          }
          // Nobody is there any more for what would follow from it.
          if (this.#isStopped) return;
        }
        this.#hasSent = false;
        for (const taken of batch) {
          const restored = this.#finish(taken);
          if (restored !== undefined) await restored;
          this.#taken.shift();
          this.#options.raft.advance(taken.ready);
        }
        this.#take();
      }
      if (isInPlace) this.#options.anticipation?.served();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isDriving = false;
    }
  }

  /** All that waits, but a snapshot goes alone: the state must be restored between two writes. */
  #batch(): readonly Taken[] {
    const snapshotAt = this.#taken.findIndex(({ ready }) => ready.snapshot !== undefined);
    return this.#taken.slice(0, snapshotAt < 0 ? undefined : Math.max(1, snapshotAt));
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
      hardState: hardState === undefined ? null : hardStateToWire(hardState),
    };
  }

  /** Resolves, if it has to wait at all, when it is restored and applied. */
  #finish(taken: Taken): Promise<void> | undefined {
    const { raft, send, restore } = this.#options;
    const { ready } = taken;
    taken.isPersisted = true;
    raft.persisted(ready);
    if (ready.messagesAfterWrite.length > 0) send(ready.messagesAfterWrite);
    if (ready.snapshot !== undefined) {
      return restore(ready.snapshot.metadata).then(() => this.#apply(taken));
    }
    this.#applyDurable();
    assert(taken.isApplied, 'NODE-2');
    return undefined;
  }

  /** As far as the log on disk reaches, and no snapshot is to be restored first (NODE-3). */
  #applyDurable(): void {
    let unwritten = Number.POSITIVE_INFINITY;
    for (const taken of this.#taken) {
      const { ready, isPersisted, isApplied } = taken;
      if (!isPersisted) unwritten = Math.min(unwritten, ready.entries[0]?.index ?? unwritten);
      if (isApplied) continue;
      const last = ready.committed.at(-1)?.index ?? 0;
      if (ready.snapshot !== undefined || last >= unwritten) return;
      // The core learns of a new configuration only once it knows all before it to be applied.
      const isFirst = taken === this.#taken[0];
      if (!isFirst && ready.committed.some(({ type }) => type === 'conf-change')) return;
      this.#apply(taken);
    }
  }

  #apply(taken: Taken): void {
    taken.isApplied = true;
    if (taken.ready.committed.length > 0) this.#options.apply(taken.ready.committed);
  }

  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#tickTimer?.cancel();
    this.#options.fatal(error);
  }
}
