/**
 * Elections as every role sees them: the timer, campaigning, and answering those who campaign (Raft §5.2,
 * §5.4.1; thesis §9.6).
 */
import { assert } from './assert.ts';
import type { Core } from './core.ts';
import { startLeading } from './leader.ts';
import type { PreVoteMessage, PreVoteResponseMessage, VoteMessage, VoteResponseMessage } from './messages.ts';
import { voteResult } from './quorum.ts';
import type { NodeId } from './types.ts';

/** How a campaign begins: `transfer` means the leader asked for it. */
export type CampaignType = 'pre-vote' | 'election' | 'transfer';

export function tickElection(core: Core): void {
  core.electionElapsed++;
  if (core.electionElapsed < core.electionTimeout || !core.isPromotable()) return;
  core.electionElapsed = 0;
  tryCampaign(core, core.config.preVote ? 'pre-vote' : 'election');
}

export function tryCampaign(core: Core, type: CampaignType): void {
  if (core.role === 'leader' || !core.isPromotable()) return;
  // RAFT-10: a member that has committed but not applied a configuration change counts with the wrong
  // majority.
  if (core.log.hasUnappliedConf()) return;
  campaign(core, type);
}

function campaign(core: Core, type: CampaignType): void {
  assert(!core.log.hasUnappliedConf(), 'RAFT-10', 'campaign with an unapplied configuration change');
  if (type === 'pre-vote') {
    core.becomePreCandidate();
    askForVotes(core, type);
    recordVote(core, core.id, true);
  } else {
    core.becomeCandidate();
    askForVotes(core, type);
  }
}

function askForVotes(core: Core, type: CampaignType): void {
  const { lastIndex, lastTerm } = core.log;
  const from = core.id;
  for (const to of new Set([...core.conf.voters, ...core.conf.votersOutgoing])) {
    if (to === from) continue;
    if (type === 'pre-vote') {
      core.send({ type: 'pre-vote', from, to, term: core.term + 1, lastIndex, lastTerm });
    } else {
      const isTransfer = type === 'transfer';
      core.send({ type: 'vote', from, to, term: core.term, lastIndex, lastTerm, isTransfer });
    }
  }
}

/** Counts a voter's answer; the first one it gave stands. */
export function recordVote(core: Core, voter: NodeId, granted: boolean): void {
  if (!core.votes.has(voter)) core.votes.set(voter, granted);
  const result = voteResult(core.conf, (id) => core.votes.get(id));
  if (result === 'lost') core.becomeFollower(core.term, undefined);
  if (result !== 'won') return;
  if (core.role === 'pre-candidate') campaign(core, 'election');
  else startLeading(core);
}

/** Within the lease of a leader it hears, a member neither votes nor learns a new term from those who ask. */
export function refusesWithinLease(core: Core, message: VoteMessage | PreVoteMessage): boolean {
  if (message.type === 'vote' && message.isTransfer) return false;
  return (
    core.config.checkQuorum && core.leader !== undefined && core.electionElapsed < core.config.electionTicks
  );
}

export function handleVote(core: Core, message: VoteMessage): void {
  const isFree = core.vote === message.from || (core.vote === undefined && core.leader === undefined);
  const granted = isFree && core.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (granted) {
    core.castVote(message.from);
    core.electionElapsed = 0;
  }
  // Learners answer too: the candidate may already know of their promotion when they do not.
  answerVote(core, message, 'vote-response', core.term, granted);
}

export function handlePreVote(core: Core, message: PreVoteMessage): void {
  const isFree =
    message.term > core.term ||
    core.vote === message.from ||
    (core.vote === undefined && core.leader === undefined);
  const granted = isFree && core.log.isUpToDate(message.lastIndex, message.lastTerm);
  // A grant speaks of the term asked for, which is ahead of ours; a refusal of our own, so that the asker
  // can catch up.
  const term = granted ? message.term : core.term;
  answerVote(core, message, 'pre-vote-response', term, granted);
}

/** Also to those whose question is of an earlier term. */
export function refusePreVote(core: Core, message: PreVoteMessage): void {
  answerVote(core, message, 'pre-vote-response', core.term, false);
}

function answerVote(
  core: Core,
  { from: to }: VoteMessage | PreVoteMessage,
  type: 'vote-response' | 'pre-vote-response',
  term: number,
  granted: boolean,
): void {
  const { commit } = core.log;
  core.send({ type, from: core.id, to, term, granted, commit, commitTerm: core.log.termAt(commit) ?? 0 });
}

/** What a voter knows to be committed is committed for us too, if we have that entry. True in any term. */
export function learnCommit(
  core: Core,
  { commit, commitTerm }: VoteResponseMessage | PreVoteResponseMessage,
): void {
  if (commit > core.log.commit && core.log.matches(commit, commitTerm)) core.log.commitTo(commit);
}
