/**
 * The nouns of the core: entries, hard state, snapshots, and `Ready`, which is the whole contract with the
 * driver. Terms and indexes are safe integers ≥ 0; 0 means "none". Node ids are strings of the
 * application's choosing.
 */
import type { Message } from './messages.ts';

export type NodeId = string;

/** What ties an answered read to its question; unique per asking node among the reads still open there. */
export type ReadContext = string;

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export type EntryType = 'normal' | 'conf-change';

/**
 * One slot of the replicated log. A new leader's first entry is `normal` with empty data: apply it as
 * nothing.
 */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What a node must find again after a crash. `commit` may be stale on disk: it is a hint, not a promise. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId | undefined;
  readonly commit: number;
}

export const emptyHardState: HardState = { term: 0, vote: undefined, commit: 0 };

/** What may be forgotten in a crash; reported when it changes, for logs, metrics and waiting clients. */
export interface SoftState {
  readonly role: Role;
  readonly leader: NodeId | undefined;
}

/**
 * Who takes part. `votersOutgoing` is not empty only within a joint configuration (Raft §6): then every
 * decision needs a majority of `voters` and a majority of `votersOutgoing`. `learnersNext` are outgoing
 * voters that become learners when the joint configuration is left; `autoLeave` says the leader leaves it
 * by itself.
 */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export function confOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): ConfState {
  return { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
}

export interface SnapshotMetadata {
  /** The last entry the snapshot contains, and that entry's term. */
  readonly index: number;
  readonly term: number;
  /** The configuration in force after `index`. */
  readonly conf: ConfState;
}

/** `data` is the application's; it is absent where the state travels by another road than Raft's messages. */
export interface Snapshot {
  readonly metadata: SnapshotMetadata;
  readonly data?: Uint8Array | undefined;
}

/** The read asked with `context` may be served from local state once `applied >= index`. */
export interface ReadState {
  readonly index: number;
  readonly context: ReadContext;
}

/**
 * The effects wanted since the last `ready()`. What a driver does with it, in this order:
 *
 *   1. send `messages` (at once; a driver that sends them later is slower, not wrong);
 *   2. persist `snapshot` if any, then `entries` (cutting the stored log off at the first of them), then
 *      `hardState`; with a sync to disk when `mustSync`;
 *   3. `raft.persisted(ready)` (optional: `advance` does it too), then send `messagesAfterWrite`;
 *   4. restore `snapshot` if any, apply `committed` in order, serve `reads`;
 *   5. `raft.advance(ready)`.
 *
 * Several may be under way: `ready()` may be called again before the earlier one was advanced (so that
 * appends leave for the followers while a write is in flight), but writes, applies, `persisted` and
 * `advance` keep the order of the Readies, and `messagesAfterWrite` waits for the writes of all earlier
 * ones too. What is `committed` may be applied before the write of its own Ready, if it is in the stored log already; a
 * configuration change only when all Readies before are advanced.
 */
export interface Ready {
  /** The write of step 2 must be durable before step 3. False when only `hardState.commit` moved. */
  readonly mustSync: boolean;
  readonly softState: SoftState | undefined;
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  /** To the write-ahead log; consecutive; replaces whatever is stored at the first one's index and beyond. */
  readonly entries: readonly Entry[];
  /** Leaders' appends, heartbeats, forwarded requests: nothing in them promises what is not yet on disk. */
  readonly messages: readonly Message[];
  /**
   * Votes, vote requests and append acknowledgements: promises that the write of this Ready (and earlier
   * ones) keeps.
   */
  readonly messagesAfterWrite: readonly Message[];
  /** To the state machine, in order, each exactly once in the life of this object. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
}

/**
 * - `accepted`: in the leader's log (not yet committed; it may still be lost with the leader)
 * - `forwarded`: sent to the leader, fate unknown
 * - `no-leader`: nobody to give it to
 * - `not-leader`: this node is not the leader and forwarding is off
 * - `transferring`: the leader is handing over and takes nothing new
 * - `too-large`: beyond `entryBytesMax`
 * - `too-many-uncommitted`: beyond `uncommittedBytesMax`; try again when something has been committed
 * - `conf-change-pending`: an earlier configuration change (or a new leader's inherited tail) is not
 *   applied yet
 * - `conf-change-refused`: the change does not fit the configuration, see `nextConf`
 */
export type ProposalOutcome =
  | 'accepted'
  | 'forwarded'
  | 'no-leader'
  | 'not-leader'
  | 'transferring'
  | 'too-large'
  | 'too-many-uncommitted'
  | 'conf-change-pending'
  | 'conf-change-refused';

/**
 * A read that was `accepted` is answered by a `ReadState`, or never (leader lost, message lost): ask again.
 */
export type ReadOutcome = 'accepted' | 'no-leader' | 'too-many-pending';

/**
 * probe: find the follower's last matching entry; replicate: stream; snapshot: wait for a snapshot to
 * arrive.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one member, itself included. */
export interface ProgressStatus {
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly isLearner: boolean;
  readonly isRecentlyActive: boolean;
  readonly isPaused: boolean;
  readonly pendingSnapshot: number;
  readonly inflightMessages: number;
}

export interface Status {
  readonly id: NodeId;
  readonly role: Role;
  readonly isLearner: boolean;
  readonly term: number;
  readonly vote: NodeId | undefined;
  readonly leader: NodeId | undefined;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly conf: ConfState;
  readonly leadTransferee: NodeId | undefined;
  readonly uncommittedBytes: number;
  /** Empty unless this node leads. */
  readonly progress: Readonly<Record<NodeId, ProgressStatus>>;
}

/**
 * What was on disk when the node started. A new member starts with `emptyHardState`, no entries, and the
 * agreed `conf`.
 */
export interface InitialState {
  readonly hardState: HardState;
  /** The configuration in force after `applied`. */
  readonly conf: ConfState;
  /** The last entry the application's state already contains; default: the snapshot's index. */
  readonly applied?: number;
  readonly log: {
    /** The last entry that is no longer in the log; both 0 for a log that still has its beginning. */
    readonly snapshotIndex: number;
    readonly snapshotTerm: number;
    /** Consecutive from `snapshotIndex + 1`. */
    readonly entries: readonly Entry[];
  };
}

export const emptyLog: InitialState['log'] = { snapshotIndex: 0, snapshotTerm: 0, entries: [] };

/** The only chance in the core: it spreads election timeouts. */
export interface Random {
  /** Uniform integer in [0, below). */
  int(below: number): number;
}
