/** Candidates and pre-candidates: count the answers, and yield to a leader of the same term (Raft §5.2). */
import type { Core } from './core.ts';
import { learnCommit, recordVote } from './election.ts';
import { handleAppend, handleCommit, handleHeartbeat, handleSnapshot } from './follower.ts';
import type { Message, PreVoteResponseMessage, VoteResponseMessage } from './messages.ts';

export function stepCandidate(core: Core, message: Message): void {
  switch (message.type) {
    case 'append':
      core.becomeFollower(message.term, message.from);
      return handleAppend(core, message);
    case 'heartbeat':
      core.becomeFollower(message.term, message.from);
      return handleHeartbeat(core, message);
    case 'commit':
      core.becomeFollower(message.term, message.from);
      return handleCommit(core, message);
    case 'snapshot':
      core.becomeFollower(message.term, message.from);
      return handleSnapshot(core, message);
    case 'pre-vote-response':
    case 'vote-response':
      return handleAnswer(core, message);
    // Without a leader there is nobody to pass these on to; the rest is for other roles.
    default:
      return;
  }
}

function handleAnswer(core: Core, message: PreVoteResponseMessage | VoteResponseMessage): void {
  learnCommit(core, message);
  // RAFT-10: what we have just learned may be that others have the say now. Apply it first.
  if (core.log.hasUnappliedConf()) return core.becomeFollower(core.term, undefined);
  if (message.type === 'pre-vote-response') {
    // An answer to the pre-vote is no answer to the vote, nor to a later pre-vote.
    const isOurs = core.role === 'pre-candidate' && (!message.granted || message.term === core.term + 1);
    if (isOurs) recordVote(core, message.from, message.granted);
  } else if (core.role === 'candidate') {
    recordVote(core, message.from, message.granted);
  }
}
