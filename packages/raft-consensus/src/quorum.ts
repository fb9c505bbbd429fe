/**
 * Majority arithmetic. A joint configuration decides only where both of its halves do (Raft §6); the
 * outgoing half is empty otherwise.
 */
import type { ConfState, NodeId } from './types.ts';

export type VoteResult = 'won' | 'lost' | 'pending';

type Halves = Pick<ConfState, 'voters' | 'votersOutgoing'>;

/** The greatest index that a quorum has reached, `reached(id)` being what each voter has. */
export function quorumIndex(conf: Halves, reached: (id: NodeId) => number): number {
  const incoming = majorityIndex(conf.voters, reached);
  if (conf.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityIndex(conf.votersOutgoing, reached));
}

/** `vote(id)` is undefined while a voter has not answered. */
export function voteResult(conf: Halves, vote: (id: NodeId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(conf.voters, vote);
  if (conf.votersOutgoing.length === 0) return incoming;
  const outgoing = majorityVote(conf.votersOutgoing, vote);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}

function majorityIndex(voters: readonly NodeId[], reached: (id: NodeId) => number): number {
  const indexes = voters.map(reached).sort((a, b) => b - a);
  return indexes[Math.floor(indexes.length / 2)] ?? 0;
}

function majorityVote(voters: readonly NodeId[], vote: (id: NodeId) => boolean | undefined): VoteResult {
  const needed = Math.floor(voters.length / 2) + 1;
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const answer = vote(voter);
    if (answer === true) granted++;
    if (answer === undefined) missing++;
  }
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}
