/**
 * Followers: believe the leader, answer it, pass requests on to it (Raft §5.3, §7). Learners are followers
 * that never campaign.
 */
import { membersOf } from './conf-change.ts';
import type { Core } from './core.ts';
import { tryCampaign } from './election.ts';
import type { AppendMessage, CommitMessage, HeartbeatMessage, Message, SnapshotMessage } from './messages.ts';

export function stepFollower(core: Core, message: Message): void {
  switch (message.type) {
    case 'append':
      heardLeader(core, message);
      return handleAppend(core, message);
    case 'heartbeat':
      heardLeader(core, message);
      return handleHeartbeat(core, message);
    case 'commit':
      heardLeader(core, message);
      return handleCommit(core, message);
    case 'snapshot':
      heardLeader(core, message);
      return handleSnapshot(core, message);
    case 'timeout-now':
      // The leader has just checked that we are up to date: no pre-vote, and others need not wait for their
      // lease to end.
      return tryCampaign(core, 'transfer');
    case 'read-index-response':
      core.reads.push({ index: message.index, context: message.context });
      return;
    // Requests were sent to a leader: they are not passed on a second time. Answers to an earlier role's
    // questions are void.
    default:
      return;
  }
}

function heardLeader(core: Core, message: Message): void {
  core.electionElapsed = 0;
  core.leader = message.from;
}

export function handleAppend(core: Core, message: AppendMessage): void {
  const { log } = core;
  const { prevIndex, prevTerm, entries, commit } = message;
  if (prevIndex < log.commit) {
    // Old news, and nothing below commit can differ: tell the leader how far we are.
    return acknowledge(core, message, log.commit);
  }
  if (!log.matches(prevIndex, prevTerm)) return reject(core, message);
  const matchIndex = log.follow(prevIndex, entries);
  log.commitTo(Math.min(commit, matchIndex));
  acknowledge(core, message, matchIndex);
}

function acknowledge(core: Core, { from: to }: Message, index: number): void {
  const { id: from, term } = core;
  core.send({ type: 'append-response', from, to, term, index, reject: false, hintIndex: 0, hintTerm: 0 });
}

/**
 * The hint skips every term of ours that the leader cannot have below `prevIndex`: its terms there are ≤
 * `prevTerm`.
 */
function reject(core: Core, message: AppendMessage): void {
  const { prevIndex, prevTerm, from: to } = message;
  const hint = core.log.lastAtOrBelowTerm(Math.min(prevIndex, core.log.lastIndex), prevTerm);
  const { id: from, term } = core;
  core.send({
    type: 'append-response',
    from,
    to,
    term,
    index: prevIndex,
    reject: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

export function handleHeartbeat(core: Core, message: HeartbeatMessage): void {
  // The leader never names more than it knows to match here (RAFT-5 checks it).
  core.log.commitTo(message.commit);
  const { id: from, term } = core;
  core.send({ type: 'heartbeat-response', from, to: message.from, term, round: message.round });
}

export function handleCommit(core: Core, message: CommitMessage): void {
  // As with heartbeats: only what is known to match here.
  core.log.commitTo(message.commit);
}

export function handleSnapshot(core: Core, message: SnapshotMessage): void {
  const { log } = core;
  const { index, term, conf } = message.snapshot.metadata;
  // A configuration without us cannot be one we take part in: the state is not for us. But a node on its way in,
  // which no configuration it knows has either, gets a state from before it was added, and what followed after that.
  const isOurs = membersOf(conf).includes(core.id) || !membersOf(core.conf).includes(core.id);
  if (index <= log.commit || !isOurs) return acknowledge(core, message, log.commit);
  if (log.matches(index, term)) {
    // Nothing to restore: our log has it all, we only did not know that it is committed.
    log.commitTo(index);
    return acknowledge(core, message, log.commit);
  }
  log.restore(message.snapshot);
  core.conf = conf;
  acknowledge(core, message, index);
}
