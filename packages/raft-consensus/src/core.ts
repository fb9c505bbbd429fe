/**
 * The state of one member and the moves between roles. The handlers (`follower.ts`, `candidate.ts`,
 * `leader.ts`, `election.ts`) act on it; `raft.ts` is its face to the world. Nothing here does I/O, reads a
 * clock, or knows chance other than `random`.
 */
import { assert } from './assert.ts';
import { isVoter } from './conf-change.ts';
import type { RaftConfig } from './config.ts';
import { RaftLog } from './log.ts';
import { type Message, mustWaitForWrite } from './messages.ts';
import type { Progress } from './progress.ts';
import type { ReadRounds } from './read-index.ts';
import type { ConfState, InitialState, NodeId, Random, ReadState, Role } from './types.ts';

/** What only a leader has; made anew with each term it leads. */
export interface Leadership {
  readonly progress: Map<NodeId, Progress>;
  readonly reads: ReadRounds;
  /** The empty entry this term began with: once it is committed, so is everything before it. */
  readonly firstIndex: number;
  /** No further configuration change before this index is applied. */
  pendingConfIndex: number;
  leadTransferee: NodeId | undefined;
  uncommittedBytes: number;
  /** Somebody may have something to be sent: entries, a commit index, a snapshot. */
  isAppendDue: boolean;
}

export class Core {
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly #random: Random;

  term: number;
  vote: NodeId | undefined;
  role: Role = 'follower';
  leader: NodeId | undefined = undefined;
  conf: ConfState;
  /** The configuration as of `log.applied`: what a snapshot of the applied state must say. */
  appliedConf: ConfState;

  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew from [electionTicks, 2 × electionTicks) with each term and each campaign. */
  electionTimeout = 0;
  readonly votes = new Map<NodeId, boolean>();
  /** This node's own vote, given by campaigning, counts once it is durable (RAFT-8). */
  isOwnVoteUnwritten = false;
  leading: Leadership | undefined = undefined;

  messages: Message[] = [];
  messagesAfterWrite: Message[] = [];
  reads: ReadState[] = [];

  constructor(config: RaftConfig, initial: InitialState, random: Random) {
    this.config = config;
    this.#random = random;
    this.log = new RaftLog(initial);
    // A torn write may have left entries of a term without the term itself: we had not voted in it, or the
    // vote would be there.
    const { term, vote } = initial.hardState;
    this.term = Math.max(term, this.log.lastTerm);
    this.vote = this.term === term ? vote : undefined;
    this.conf = initial.conf;
    this.appliedConf = initial.conf;
    this.#restartElectionTimer();
  }

  get id(): NodeId {
    return this.config.id;
  }

  /** For the leader's own code. */
  leadership(): Leadership {
    assert(this.leading !== undefined, 'RAFT-1', `${this.id} is not the leader`);
    return this.leading;
  }

  send(message: Message): void {
    if (mustWaitForWrite(message)) this.messagesAfterWrite.push(message);
    else this.messages.push(message);
  }

  /** May this node campaign? Not a learner, not one that waits for its snapshot to be restored. */
  isPromotable(): boolean {
    return isVoter(this.conf, this.id) && this.log.applied >= this.log.snapshotIndex;
  }

  /** RAFT-1: at most one vote per term. */
  castVote(to: NodeId): void {
    assert(
      this.vote === undefined || this.vote === to,
      'RAFT-1',
      `second vote in term ${this.term}: ${this.vote}, ${to}`,
    );
    this.vote = to;
  }

  becomeFollower(term: number, leader: NodeId | undefined): void {
    this.#enterTerm(term);
    this.role = 'follower';
    this.leader = leader;
  }

  /** Nothing durable changes: neither term nor vote (thesis §9.6). */
  becomePreCandidate(): void {
    assert(this.role !== 'leader', 'RAFT-1', 'a leader does not campaign');
    this.#enterTerm(this.term);
    this.role = 'pre-candidate';
  }

  becomeCandidate(): void {
    assert(this.role !== 'leader', 'RAFT-1', 'a leader does not campaign');
    this.#enterTerm(this.term + 1);
    this.role = 'candidate';
    this.castVote(this.id);
    this.isOwnVoteUnwritten = true;
  }

  becomeLeader(leading: Leadership): void {
    assert(this.role === 'candidate', 'RAFT-1', `a ${this.role} cannot become leader`);
    this.#enterTerm(this.term);
    this.role = 'leader';
    this.leader = this.id;
    this.leading = leading;
  }

  /** RAFT-2: terms only go forward. Also the reset that every change of role brings. */
  #enterTerm(term: number): void {
    assert(term >= this.term, 'RAFT-2', `term goes back from ${this.term} to ${term}`);
    if (term > this.term) {
      this.term = term;
      this.vote = undefined;
    }
    this.leader = undefined;
    this.leading = undefined;
    this.votes.clear();
    this.isOwnVoteUnwritten = false;
    this.#restartElectionTimer();
  }

  #restartElectionTimer(): void {
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    const { electionTicks } = this.config;
    this.electionTimeout = electionTicks + this.#random.int(electionTicks);
  }
}
