/**
 * What members say to each other: plain data (strings, numbers, booleans, bytes, arrays), so that any
 * transport can encode it. A message may be lost, doubled, delayed or overtaken; none needs an answer to
 * stay safe.
 */
import type { Entry, EntryType, NodeId, ReadContext, Snapshot } from './types.ts';

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /**
   * The sender's term (for `pre-vote` and a granted `pre-vote-response` the term asked for); 0 on forwarded
   * requests.
   */
  readonly term: number;
}

/** Entries that follow (`prevIndex`, `prevTerm`); none asks how far the follower's log agrees. */
export interface AppendMessage extends Envelope {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/**
 * Accepted: `index` is the last entry known to match. Rejected: `index` is the refused `prevIndex`, and the
 * hint is the last place where the follower's log can agree: its index, and the follower's term there.
 */
export interface AppendResponseMessage extends Envelope {
  readonly type: 'append-response';
  readonly index: number;
  readonly reject: boolean;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** `round` numbers the leader's read-index rounds; an answer confirms that and all earlier rounds. */
export interface HeartbeatMessage extends Envelope {
  readonly type: 'heartbeat';
  readonly commit: number;
  readonly round: number;
}

/**
 * What the follower has acknowledged is committed up to here. Wants no answer: lost, the next append or heartbeat
 * says it again.
 */
export interface CommitMessage extends Envelope {
  readonly type: 'commit';
  readonly commit: number;
}

export interface HeartbeatResponseMessage extends Envelope {
  readonly type: 'heartbeat-response';
  readonly round: number;
}

/**
 * The follower is too far behind for the log. The core fills in the metadata of the leader's applied state
 * and no data: the driver adds the data, or sends the state by another road and steps this message at the
 * receiver when it is there. It may replace the metadata by that of the state it really sends. It says how
 * it went by `reportSnapshot`.
 */
export interface SnapshotMessage extends Envelope {
  readonly type: 'snapshot';
  readonly snapshot: Snapshot;
}

/** `isTransfer`: the leader asked for this election, so leases and known leaders do not stand in its way. */
export interface VoteMessage extends Envelope {
  readonly type: 'vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly isTransfer: boolean;
}

/**
 * `commit` and that entry's term: a candidate may lack no entry, only the knowledge that one is committed.
 * Were that one a configuration change, it could ask the wrong members for ever (RAFT-17).
 */
export interface VoteResponseMessage extends Envelope {
  readonly type: 'vote-response';
  readonly granted: boolean;
  readonly commit: number;
  readonly commitTerm: number;
}

/** "Would you vote for me in `term`?" — asked before any term is raised (thesis §9.6). */
export interface PreVoteMessage extends Envelope {
  readonly type: 'pre-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface PreVoteResponseMessage extends Envelope {
  readonly type: 'pre-vote-response';
  readonly granted: boolean;
  readonly commit: number;
  readonly commitTerm: number;
}

/** Leader to transferee: campaign now. */
export interface TimeoutNowMessage extends Envelope {
  readonly type: 'timeout-now';
}

/** A follower passes on `transferLeadership(transferee)`. */
export interface TransferLeaderMessage extends Envelope {
  readonly type: 'transfer-leader';
  readonly transferee: NodeId;
}

/** A follower passes on proposals. */
export interface ProposeMessage extends Envelope {
  readonly type: 'propose';
  readonly entryType: EntryType;
  readonly data: Uint8Array;
}

/** A follower asks for the index at which it may read. */
export interface ReadIndexMessage extends Envelope {
  readonly type: 'read-index';
  readonly context: ReadContext;
}

export interface ReadIndexResponseMessage extends Envelope {
  readonly type: 'read-index-response';
  readonly context: ReadContext;
  readonly index: number;
}

export type Message =
  | AppendMessage
  | AppendResponseMessage
  | HeartbeatMessage
  | HeartbeatResponseMessage
  | CommitMessage
  | SnapshotMessage
  | VoteMessage
  | VoteResponseMessage
  | PreVoteMessage
  | PreVoteResponseMessage
  | TimeoutNowMessage
  | TransferLeaderMessage
  | ProposeMessage
  | ReadIndexMessage
  | ReadIndexResponseMessage;

export type MessageType = Message['type'];

/**
 * Whether a message promises something that must be on disk first (RAFT-8). `Ready` has the two kinds apart
 * already. Vote requests are among them, beyond what the paper asks: a candidate that crashed before its
 * term and log were durable would ask for the same term again, with a shorter log, and collect the votes
 * given to the longer one.
 */
export function mustWaitForWrite(message: Message): boolean {
  return message.type === 'append-response' || message.type === 'vote-response' || message.type === 'vote';
}
