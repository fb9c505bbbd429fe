/**
 * Leaders: take proposals, replicate, commit, hand over (Raft §5.3, §5.4.2, §7; thesis §3.10, §6.2, §6.4).
 */
import { assert, unreachable } from './assert.ts';
import { ConfChangeError, decodeConfChange, nextConf } from './conf-change.ts';
import type { Core, Leadership } from './core.ts';
import type { AppendResponseMessage, HeartbeatResponseMessage, Message } from './messages.ts';
import { Progress } from './progress.ts';
import { quorumIndex, voteResult } from './quorum.ts';
import { answerConfirmedReads, beginReadRound } from './leader-reads.ts';
import { finishTransfer, startTransfer } from './leader-transfer.ts';
import { ReadRounds } from './read-index.ts';
import { progressLimits, sendAppend, sendAppends, sendHeartbeats, trackMembers } from './replication.ts';
import type { EntryType, NodeId, ProposalOutcome } from './types.ts';

/** A candidate has won: new book-keeping, and an empty entry whose commit commits all that came before. */
export function startLeading(core: Core): void {
  const { log } = core;
  const progress = new Map<NodeId, Progress>();
  const tailBytes = log.bytesOf(log.commit + 1, log.lastIndex);
  core.becomeLeader({
    progress,
    reads: new ReadRounds(core.config.readsPendingMax),
    firstIndex: log.lastIndex + 1,
    // The tail may hold a configuration change: take none before all of it is applied.
    pendingConfIndex: log.lastIndex,
    leadTransferee: undefined,
    uncommittedBytes: tailBytes,
    isAppendDue: true,
  });
  const self = new Progress(log.stable, log.lastIndex + 1, progressLimits(core));
  self.becomeReplicate();
  progress.set(core.id, self);
  trackMembers(core, core.leadership(), log.lastIndex + 1, false);
  appendOwn(core, 'normal', new Uint8Array());
}

export function stepLeader(core: Core, message: Message): void {
  const leading = core.leadership();
  switch (message.type) {
    case 'propose':
      proposeAsLeader(core, message.entryType, message.data);
      return;
    case 'read-index':
      leading.reads.add({ from: message.from, context: message.context });
      return;
    case 'transfer-leader':
      return startTransfer(core, message.transferee);
    case 'append-response':
      return withProgress(leading, message, (progress) => handleAppendResponse(core, message, progress));
    case 'heartbeat-response':
      return withProgress(leading, message, (progress) => handleHeartbeatResponse(core, message, progress));
    case 'append':
    case 'heartbeat':
    case 'commit':
    case 'snapshot':
      return assert(false, 'RAFT-1', `two leaders in term ${core.term}: ${core.id} and ${message.from}`);
    // Late answers to our campaign, and what concerns followers only.
    case 'vote':
    case 'vote-response':
    case 'pre-vote':
    case 'pre-vote-response':
    case 'timeout-now':
    case 'read-index-response':
      return;
    default:
      return unreachable(message);
  }
}

function withProgress(leading: Leadership, message: Message, handle: (progress: Progress) => void): void {
  const progress = leading.progress.get(message.from);
  if (progress === undefined) return; // removed meanwhile
  progress.isRecentlyActive = true;
  handle(progress);
}

export function tickLeader(core: Core): void {
  core.heartbeatElapsed++;
  core.electionElapsed++;
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    if (core.config.checkQuorum && !isQuorumActive(core)) return core.becomeFollower(core.term, undefined);
    // A transfer that has not happened within an election timeout will not: take proposals again.
    core.leadership().leadTransferee = undefined;
  }
  if (core.heartbeatElapsed >= core.config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    sendHeartbeats(core, core.leadership());
  }
}

/** Who has spoken to us since the last check? Forgets it, so that the next period starts afresh. */
function isQuorumActive(core: Core): boolean {
  const { progress } = core.leadership();
  const isActive = (id: NodeId): boolean => id === core.id || progress.get(id)?.isRecentlyActive === true;
  const result = voteResult(core.conf, isActive);
  for (const each of progress.values()) each.isRecentlyActive = false;
  return result === 'won';
}

export function proposeAsLeader(core: Core, type: EntryType, data: Uint8Array): ProposalOutcome {
  const leading = core.leadership();
  if (leading.leadTransferee !== undefined) return 'transferring';
  if (data.length > core.config.entryBytesMax) return 'too-large';
  // A single proposal beyond the limit may still pass through an empty tail, or it never could.
  const { uncommittedBytes } = leading;
  if (uncommittedBytes > 0 && data.length > 0) {
    if (uncommittedBytes + data.length > core.config.uncommittedBytesMax) return 'too-many-uncommitted';
  }
  if (type === 'conf-change') {
    if (leading.pendingConfIndex > core.log.applied) return 'conf-change-pending';
    if (!fitsConf(core, data)) return 'conf-change-refused';
    leading.pendingConfIndex = core.log.lastIndex + 1;
  }
  appendOwn(core, type, data);
  return 'accepted';
}

/** With no change pending, the configuration of today is the one the entry will meet when it is applied. */
function fitsConf(core: Core, data: Uint8Array): boolean {
  try {
    nextConf(core.conf, decodeConfChange(data));
    return true;
  } catch (error) {
    if (error instanceof ConfChangeError) return false;
    throw error;
  }
}

/**
 * RAFT-3: a leader only ever appends to its log. It leaves with the next Ready, together with all that is
 * proposed until then.
 */
function appendOwn(core: Core, type: EntryType, data: Uint8Array): void {
  const leading = core.leadership();
  core.log.append([{ term: core.term, index: core.log.lastIndex + 1, type, data }]);
  leading.uncommittedBytes += data.length;
  leading.isAppendDue = true;
}

/** The driver has made our log durable up to `log.stable`: only now does our own copy count (RAFT-8). */
export function ownLogWritten(core: Core): void {
  const { stable } = core.log;
  const self = core.leadership().progress.get(core.id);
  if (self?.updateTo(stable) === true) commitByQuorum(core);
}

/** RAFT-4: only entries of our own term commit by counting (Raft §5.4.2); earlier ones commit with them. */
export function commitByQuorum(core: Core): void {
  const { log } = core;
  const leading = core.leadership();
  const index = quorumIndex(core.conf, (id) => leading.progress.get(id)?.match ?? 0);
  if (index <= log.commit || log.termAt(index) !== core.term) return;
  assert(index >= leading.firstIndex, 'RAFT-4', `entry ${index} of an earlier term would commit by counting`);
  leading.uncommittedBytes -= log.bytesOf(log.commit + 1, index);
  log.commitTo(index);
  leading.isAppendDue = true;
}

function handleAppendResponse(core: Core, message: AppendResponseMessage, progress: Progress): void {
  const leading = core.leadership();
  if (message.reject) {
    // Our terms at and below the hint that exceed the follower's there cannot match either: skip them.
    const hint =
      message.hintTerm > 0
        ? core.log.lastAtOrBelowTerm(message.hintIndex, message.hintTerm).index
        : message.hintIndex;
    if (!progress.retreat(message.index, hint)) return;
    if (progress.state === 'replicate') progress.becomeProbe();
    leading.isAppendDue = true;
    return;
  }
  const isNews = progress.updateTo(message.index);
  if (!isNews && !(progress.state === 'probe' && progress.match === message.index)) return;
  if (progress.state === 'probe') progress.becomeReplicate();
  else if (progress.state === 'replicate') progress.inflights.freeTo(message.index);
  // Whatever snapshot it restored: the log can take it from there.
  else if (progress.match + 1 >= core.log.firstIndex) progress.becomeReplicate();
  commitByQuorum(core);
  leading.isAppendDue = true;
  if (message.from === leading.leadTransferee) finishTransfer(core, leading, progress);
}

function handleHeartbeatResponse(core: Core, message: HeartbeatResponseMessage, progress: Progress): void {
  const leading = core.leadership();
  progress.unpause();
  // Even through a full window: if all that filled it was lost, this empty append is answered and clears it.
  if (progress.match < core.log.lastIndex || progress.state === 'probe') {
    sendAppend(core, message.from, progress, true);
  }
  if (message.round <= progress.ackedRound) return;
  progress.ackedRound = message.round;
  answerConfirmedReads(core, leading);
}

/** Before a Ready is made up: begin the round for the reads that gathered, and send what members may have. */
export function flush(core: Core): void {
  const { leading } = core;
  if (leading === undefined) return;
  beginReadRound(core, leading);
  if (!leading.isAppendDue) return;
  leading.isAppendDue = false;
  for (const [id, progress] of leading.progress) {
    if (id !== core.id) sendAppends(core, id, progress);
  }
}
