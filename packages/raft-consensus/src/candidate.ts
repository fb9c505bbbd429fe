/** Candidates and pre-candidates: count the answers, and yield to a leader of the same term (Raft §5.2). */
import type { Core } from './core.ts';
import { recordVote } from './election.ts';
import { handleAppend, handleHeartbeat, handleSnapshot } from './follower.ts';
import type { Message } from './messages.ts';

export function stepCandidate(core: Core, message: Message): void {
  switch (message.type) {
    case 'append':
      core.becomeFollower(message.term, message.from);
      return handleAppend(core, message);
    case 'heartbeat':
      core.becomeFollower(message.term, message.from);
      return handleHeartbeat(core, message);
    case 'snapshot':
      core.becomeFollower(message.term, message.from);
      return handleSnapshot(core, message);
    // An answer to the pre-vote is no answer to the vote: each counts only in its own phase.
    case 'pre-vote-response':
      if (core.role !== 'pre-candidate') return;
      if (message.granted && message.term !== core.term + 1) return; // a grant for an earlier campaign
      return recordVote(core, message.from, message.granted);
    case 'vote-response':
      if (core.role === 'candidate') recordVote(core, message.from, message.granted);
      return;
    // Without a leader there is nobody to pass these on to; the rest is for other roles.
    default:
      return;
  }
}
