import { assert, type Clock, type Logger } from '@kubelab/component-base';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { Raft } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import type { MemberRecord } from '../core/members.ts';
import { REMOVED_TEXT } from '../transport/caller.ts';
import type { JoinRequest, JoinResponse } from '../wire.ts';
import { newMemberId } from './cluster.ts';
import type { Leadership } from './leadership.ts';
import type { MemberChanges } from './member-changes.ts';
import type { Membership } from './membership.ts';

export interface JoinsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly membership: Membership;
  readonly leadership: Pick<Leadership, 'isLeader'>;
  readonly raft: Pick<Raft, 'status' | 'termAt'>;
  readonly changes: Pick<MemberChanges, 'change'>;
  readonly learnersMax: number;
  /** Resolves when a quorum confirms that this member leads. */
  readonly confirmLeadership: () => Promise<void>;
  /** Messages reach that member: it is up, with whatever it has. */
  readonly isConnected: (raftId: string) => boolean;
  /** Whatever that member said before and has not arrived yet is not heard any more. */
  readonly forgetStreams: (raftId: string) => void;
}

/**
 * The leader's answer to a member that starts without data.
 * Invariants
 *   CONF-4  an id under which anything was promised is not given to one that has lost what it promised
 */
export class Joins {
  readonly #options: JoinsOptions;

  constructor(options: JoinsOptions) {
    this.#options = options;
  }

  /** Rejects with `not leader`, with etcd's word to removed members, or with the refusal of the change. */
  async join(request: JoinRequest): Promise<JoinResponse> {
    const { membership, leadership, raft, log } = this.#options;
    if (!leadership.isLeader) throw new EtcdError('notLeader');
    const member = membership.members.get(request.raftId) ?? membership.members.at(request.peerUrls);
    if (member === undefined) throw new RpcError(StatusCode.FAILED_PRECONDITION, REMOVED_TEXT);
    // Whoever asks is not that member, or that member's end has not been noticed yet.
    if (this.#options.isConnected(member.raftId)) {
      throw new RpcError(StatusCode.UNAVAILABLE, `member ${member.raftId} is up, and has not lost its data`);
    }
    this.#options.forgetStreams(member.raftId);
    if (this.#hasQuorumWithout(member)) await this.#options.confirmLeadership();
    const { term } = raft.status();
    const isNew = this.#hasPromisedNothing(member);
    const raftId = isNew ? member.raftId : await this.#replace(member);
    if (!leadership.isLeader || raft.status().term !== term) throw new EtcdError('notLeader');
    assert(!isNew || this.#hasPromisedNothing(member), 'CONF-4', `${raftId} has promised something`);
    log.info('a member without data begins', { name: request.name, was: member.raftId, member: raftId });
    return { raftId, term, vote: membership.raftId, members: membership.members.all() };
  }

  /**
   * It was never seen to start, and this term has got on without it: so all that was ever decided is known to a
   * quorum of the others.
   */
  #hasPromisedNothing({ raftId, clientUrls }: MemberRecord): boolean {
    const { progress, commit, term } = this.#options.raft.status();
    const hasNeverStarted = clientUrls.length === 0;
    const isUnheard = (progress[raftId]?.match ?? 0) === 0;
    return (
      hasNeverStarted && isUnheard && (this.#options.raft.termAt(commit) === term || this.#isSecond(raftId))
    );
  }

  /** A second voter: since it was added nothing can have been decided without it. */
  #isSecond(raftId: string): boolean {
    const { voters } = this.#options.raft.status().conf;
    return voters.length === 2 && voters.includes(raftId);
  }

  #hasQuorumWithout({ raftId }: MemberRecord): boolean {
    const { voters } = this.#options.raft.status().conf;
    return 2 * voters.filter((voter) => voter !== raftId).length > voters.length;
  }

  async #replace({ raftId, peerUrls }: MemberRecord): Promise<string> {
    const { clock, changes, learnersMax, log } = this.#options;
    const newId = newMemberId(peerUrls, clock.now());
    log.warn('a member has lost its data: it gets a new id', { was: raftId, member: newId });
    const member = { raftId: newId, peerUrls, isLearner: true, autoPromote: true };
    await changes.change({ kind: 'replace', raftId, member, learnersMax });
    return newId;
  }
}
