/**
 * The face of the core: what the driver calls, the rule of terms (Raft §5.1), and who handles which message.
 * Not one of the methods does I/O; their effects are in the next `ready()`.
 */
import { assert } from './assert.ts';
import { stepCandidate } from './candidate.ts';
import { type ConfChange, decodeConfChange, encodeConfChange, isLearner, nextConf } from './conf-change.ts';
import { type RaftConfig, type RaftOptions, raftConfig } from './config.ts';
import { Core } from './core.ts';
import {
  handlePreVote,
  handleVote,
  refusePreVote,
  refusesWithinLease,
  tickElection,
  tryCampaign,
} from './election.ts';
import { stepFollower } from './follower.ts';
import { proposeAsLeader, stepLeader, tickLeader } from './leader.ts';
import { confChanged } from './leader-conf.ts';
import { readAsLeader } from './leader-reads.ts';
import { startTransfer } from './leader-transfer.ts';
import type { Message } from './messages.ts';
import { Readies } from './readies.ts';
import type {
  ConfState,
  Entry,
  EntryType,
  InitialState,
  NodeId,
  ProgressStatus,
  ProposalOutcome,
  Random,
  ReadContext,
  ReadOutcome,
  Ready,
  Status,
} from './types.ts';

export class Raft {
  readonly #core: Core;
  readonly #readies: Readies;

  /**
   * Throws `RangeError` for options that cannot work, `RaftInvariantError` for a stored state that cannot
   * be.
   */
  constructor(options: RaftOptions, initial: InitialState, random: Random) {
    this.#core = new Core(raftConfig(options), initial, random);
    this.#readies = new Readies(this.#core, initial.hardState);
  }

  get id(): NodeId {
    return this.#core.id;
  }

  get config(): RaftConfig {
    return this.#core.config;
  }

  // Of the status what is asked for with each request: all of it is made anew each time, progress included.
  get term(): number {
    return this.#core.term;
  }

  /** Undefined: none known. */
  get leader(): NodeId | undefined {
    return this.#core.leader;
  }

  get conf(): ConfState {
    return this.#core.conf;
  }

  /** One unit of logical time. */
  tick(): void {
    if (this.#core.role === 'leader') tickLeader(this.#core);
    else tickElection(this.#core);
  }

  /** A message from another member, in whatever order and number it arrives. Not for this node = ignored. */
  step(message: Message): void {
    const core = this.#core;
    if (message.to !== core.id) return;
    // Forwarded requests have no term: they are as good in a later one.
    if (message.term !== 0) {
      if (message.term > core.term && !acceptsLaterTerm(core, message)) return;
      if (message.term < core.term) return answerStale(core, message);
    }
    if (message.type === 'vote') return handleVote(core, message);
    if (message.type === 'pre-vote') return handlePreVote(core, message);
    if (core.role === 'leader') return stepLeader(core, message);
    if (core.role === 'follower') return stepFollower(core, message);
    return stepCandidate(core, message);
  }

  propose(data: Uint8Array): ProposalOutcome {
    return propose(this.#core, 'normal', data);
  }

  /** One at a time: the next is taken when this one is applied. */
  proposeConfChange(change: ConfChange): ProposalOutcome {
    return propose(this.#core, 'conf-change', encodeConfChange(change));
  }

  /**
   * To be called for each committed `conf-change` entry, before `advance` of its Ready; returns the
   * configuration now in force. An application that decides against a committed change leaves the call out
   * (on every member alike).
   */
  applyConfChange(entry: Entry): ConfState {
    const core = this.#core;
    // A snapshot that arrived while this entry was being applied has brought its configuration along.
    if (entry.index <= core.log.snapshotIndex) return core.conf;
    core.conf = nextConf(core.conf, decodeConfChange(entry.data));
    if (core.role === 'leader') confChanged(core);
    return core.conf;
  }

  /** Asks at which index this node may read; answered by a `ReadState` with the same context. */
  readIndex(context: ReadContext): ReadOutcome {
    const core = this.#core;
    if (core.role === 'leader') return readAsLeader(core, context);
    if (core.leader === undefined) return 'no-leader';
    core.send({ type: 'read-index', from: core.id, to: core.leader, term: 0, context });
    return 'accepted';
  }

  /** Campaign now, without waiting for the election timeout. */
  campaign(): void {
    tryCampaign(this.#core, this.#core.config.preVote ? 'pre-vote' : 'election');
  }

  /** Asks the leader (from any member) to hand over to `to`; given up after an election timeout. */
  transferLeadership(to: NodeId): void {
    const core = this.#core;
    if (core.role === 'leader') return startTransfer(core, to);
    if (core.leader === undefined) return;
    core.send({ type: 'transfer-leader', from: core.id, to: core.leader, term: 0, transferee: to });
  }

  /**
   * For a follower whose leader is known to be gone (its connection was reset): it stops waiting for it,
   * and may grant (pre-)votes at once. Its term and vote stay. Without effect where reads trust the lease.
   */
  forgetLeader(): void {
    const core = this.#core;
    if (core.role === 'follower' && core.config.readOnly !== 'lease') core.leader = undefined;
  }

  /** The last messages to `id` were probably lost: probe before streaming again. */
  reportUnreachable(id: NodeId): void {
    const progress = this.#core.leading?.progress.get(id);
    if (progress?.state === 'replicate' && id !== this.id) progress.becomeProbe();
  }

  /** The snapshot for `id` was delivered (`ok`), or was not. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const progress = this.#core.leading?.progress.get(id);
    if (progress?.state !== 'snapshot') return;
    if (!ok) progress.pendingSnapshot = 0;
    progress.becomeProbe();
    // Delivered: its acknowledgement will go on from there. Not delivered: no second try before it shows a
    // sign of life.
    progress.pause();
  }

  /**
   * Drops log entries up to and including `index` (≤ applied): the application's own snapshot covers them.
   */
  compact(index: number): void {
    this.#core.log.compact(index);
  }

  /** True when `ready()` would return something. */
  hasReady(): boolean {
    return this.#readies.hasReady();
  }

  /** The effects wanted since the last call; undefined when there are none. */
  ready(): Ready | undefined {
    return this.#readies.take();
  }

  /** This Ready's write is durable. Optional: `advance` implies it. */
  persisted(ready: Ready): void {
    this.#readies.persisted(ready);
  }

  /** This Ready is persisted, sent and applied. */
  advance(ready: Ready): void {
    this.#readies.advance(ready);
  }

  /** The term of a log entry; undefined where the log does not reach (compacted, or not there yet). */
  termAt(index: number): number | undefined {
    return this.#core.log.termAt(index);
  }

  status(): Status {
    const { id, role, term, vote, leader, conf, log, leading } = this.#core;
    const progress: Record<NodeId, ProgressStatus> = {};
    for (const [member, each] of leading?.progress ?? []) progress[member] = each.status();
    return {
      id,
      role,
      isLearner: isLearner(conf, id),
      term,
      vote,
      leader,
      commit: log.commit,
      applied: log.applied,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      conf,
      leadTransferee: leading?.leadTransferee,
      uncommittedBytes: leading?.uncommittedBytes ?? 0,
      progress,
    };
  }
}

/**
 * A later term makes a follower of anyone (Raft §5.1), except that pre-votes change nothing, and that the
 * lease protects the leader.
 */
function acceptsLaterTerm(core: Core, message: Message): boolean {
  switch (message.type) {
    case 'pre-vote':
      return !refusesWithinLease(core, message);
    case 'pre-vote-response':
      // A grant names the term we asked for, which nobody has entered yet; a refusal the later term of the
      // refuser.
      if (!message.granted) core.becomeFollower(message.term, undefined);
      return true;
    case 'vote':
      if (refusesWithinLease(core, message)) return false;
      core.becomeFollower(message.term, undefined);
      return true;
    case 'append':
    case 'heartbeat':
    case 'commit':
    case 'snapshot':
      core.becomeFollower(message.term, message.from);
      return true;
    default:
      core.becomeFollower(message.term, undefined);
      assert(core.term === message.term, 'RAFT-2', 'the later term was not entered');
      return true;
  }
}

/**
 * Messages of earlier terms are void; but their senders may need to hear of ours, or they would never be
 * heard again.
 */
function answerStale(core: Core, message: Message): void {
  const { id: from, term } = core;
  const to = message.from;
  if (message.type === 'append' || message.type === 'heartbeat') {
    // With the lease or the pre-vote on, our own campaigns do not reach a leader of a lower term: this
    // does, and it steps down.
    if (!core.config.checkQuorum && !core.config.preVote) return;
    core.send({
      type: 'append-response',
      from,
      to,
      term,
      index: 0,
      reject: false,
      hintIndex: 0,
      hintTerm: 0,
    });
  }
  if (message.type === 'pre-vote') refusePreVote(core, message);
}

function propose(core: Core, entryType: EntryType, data: Uint8Array): ProposalOutcome {
  if (core.role === 'leader') return proposeAsLeader(core, entryType, data);
  if (core.leader === undefined) return 'no-leader';
  if (!core.config.forwardProposals) return 'not-leader';
  if (data.length > core.config.entryBytesMax) return 'too-large';
  core.send({ type: 'propose', from: core.id, to: core.leader, term: 0, entryType, data });
  return 'forwarded';
}
