import { assert, type Clock } from '@kubelab/component-base';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { Entry, Raft } from 'raft-consensus';
import { confChangeOf, proposedChange } from '../core/member-change-codec.ts';
import { checkAdd, checkInSync, checkPromote, checkRemove } from '../core/member-checks.ts';
import type { MemberChange, MemberRecord } from '../core/members.ts';
import { EtcdError } from '../core/errors.ts';
import type { PeerTransport } from '../transport/peers.ts';
import type { Leadership } from './leadership.ts';
import type { Membership } from './membership.ts';

export interface MemberChangesOptions {
  readonly membership: Membership;
  readonly leadership: Pick<Leadership, 'leader' | 'isLeader'>;
  readonly raft: Pick<Raft, 'proposeConfChange' | 'applyConfChange' | 'status'>;
  readonly peers: () => Pick<PeerTransport, 'ask' | 'activeSinceMs'>;
  readonly wake: () => void;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  /** etcd's `--strict-reconfig-check`. */
  readonly isStrict: boolean;
  /** A leader that is to be removed lets another lead first; resolves when one does, or when none can. */
  readonly handOver: () => Promise<void>;
}

/** The members after a change, and the entry up to which one must have applied to know them. */
export interface Changed {
  readonly members: readonly MemberRecord[];
  readonly index: number;
}

const SEEN_TIMEOUT_MS = 1000;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Changes of who takes part. Any member takes them, the leader checks them, one after the other, and all apply
 * them in the order of the log.
 * Invariants
 *   CONF-3  one change at a time, of at most one voter: the quorums before and after it overlap
 */
export class MemberChanges {
  readonly #options: MemberChangesOptions;
  readonly #waiters = new Map<number, Waiter>();
  #nextId: number;
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: MemberChangesOptions) {
    this.#options = options;
    this.#nextId = options.clock.now() * 1024;
  }

  /** Resolves to the members after the change, once the leader has applied it. Rejects with etcd's refusal. */
  async change(change: MemberChange): Promise<readonly MemberRecord[]> {
    const { clock, heartbeatMs, timeoutMs, leadership, membership } = this.#options;
    const untilMs = clock.monotonic() + timeoutMs;
    // As etcd, which asks for nothing that it sees cannot work.
    if (change.kind !== 'promote') this.#check(change);
    for (;;) {
      if (this.#isStopped) throw new EtcdError('stopped');
      if (leadership.isLeader) {
        if (change.kind === 'remove' && change.raftId === membership.raftId) await this.#options.handOver();
        if (leadership.isLeader) return this.#inTurn(() => this.#lead(change, untilMs));
      }
      const answer = await this.#askLeader(change, untilMs);
      if (answer !== undefined) return answer;
      if (clock.monotonic() > untilMs) throw new EtcdError('timeout');
      await clock.sleep(heartbeatMs);
    }
  }

  /** A `conf-change` entry is applied. All members decide alike whether it counts. */
  applied(entry: Entry): void {
    const { raft, membership } = this.#options;
    const proposed = proposedChange(entry);
    if (proposed === undefined) {
      raft.applyConfChange(entry);
      return;
    }
    const waiter = proposed.proposer === membership.raftId ? this.#waiters.get(proposed.id) : undefined;
    // Another member may have the same id for its own.
    if (waiter !== undefined) this.#waiters.delete(proposed.id);
    try {
      membership.members.check(proposed.change);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      waiter?.reject(error);
      return;
    }
    const { voters, votersOutgoing } = raft.status().conf;
    const conf = raft.applyConfChange(entry);
    const moved = [...voters, ...conf.voters].filter(
      (id) => voters.includes(id) !== conf.voters.includes(id),
    );
    assert(moved.length <= 1 && votersOutgoing.length === 0, 'CONF-3', `voters changed: ${moved.join(' ')}`);
    membership.members.apply(proposed.change);
    membership.changed();
    waiter?.resolve();
  }

  stop(): void {
    this.#isStopped = true;
    for (const waiter of this.#waiters.values()) waiter.reject(new EtcdError('stopped'));
    this.#waiters.clear();
  }

  /** Undefined: nobody there to ask, or no leader any more. */
  async #askLeader(change: MemberChange, untilMs: number): Promise<readonly MemberRecord[] | undefined> {
    const { leadership, clock, peers } = this.#options;
    const { leader, isLeader } = leadership;
    if (leader === undefined || isLeader) return undefined;
    const restMs = Math.max(1, untilMs - clock.monotonic());
    const request = { change: JSON.stringify(change) };
    try {
      const answer = await peers().ask<Changed>(leader, 'ChangeMembers', request, restMs);
      await this.#reach(answer);
      return answer.members;
    } catch (error) {
      const isGone = error instanceof RpcError && error.code === StatusCode.UNAVAILABLE;
      const isRefusal = error instanceof RpcError && /unhealthy|timed out/.test(error.details);
      const isOther = error instanceof RpcError && error.details === new EtcdError('notLeader').details;
      if ((isGone && !isRefusal) || isOther) return undefined;
      throw error;
    }
  }

  /** Whoever asks here next should not see less, unless this member was removed and hears no more. */
  async #reach({ members, index }: Changed): Promise<void> {
    const { clock, raft, membership, heartbeatMs } = this.#options;
    const untilMs = clock.monotonic() + SEEN_TIMEOUT_MS;
    if (!members.some(({ raftId }) => raftId === membership.raftId)) return;
    while (raft.status().applied < index && clock.monotonic() < untilMs) {
      await clock.sleep(Math.min(5, heartbeatMs));
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #lead(change: MemberChange, untilMs: number): Promise<readonly MemberRecord[]> {
    const { clock, heartbeatMs, raft, membership, wake } = this.#options;
    this.#check(change);
    membership.members.check(change);
    const id = this.#nextId++;
    const conf = confChangeOf({ change, proposer: membership.raftId, id });
    const applied = new Promise<void>((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
    // It may be over before anybody waits for it.
    applied.catch(() => undefined);
    const timer = clock.setTimer(Math.max(1, untilMs - clock.monotonic()), () => {
      this.#waiters.get(id)?.reject(new EtcdError('timeout'));
      this.#waiters.delete(id);
    });
    try {
      for (;;) {
        const outcome = raft.proposeConfChange(conf);
        wake();
        if (outcome === 'accepted' || outcome === 'forwarded') break;
        if (outcome === 'conf-change-refused') throw new EtcdError('unhealthy');
        if (this.#isStopped) throw new EtcdError('stopped');
        // An earlier leader's last entries are not applied yet, or leadership moves.
        if (clock.monotonic() > untilMs) throw new EtcdError('timeout');
        await clock.sleep(heartbeatMs);
      }
      await applied;
    } finally {
      timer.cancel();
      this.#waiters.delete(id);
    }
    return membership.members.all();
  }

  #check(change: MemberChange): void {
    const { membership, raft, clock, peers, isStrict } = this.#options;
    const { members, raftId: self } = membership;
    if (change.kind === 'promote') {
      const { progress } = raft.status();
      checkInSync(progress[change.raftId]?.match, progress[self]?.match ?? 0);
      if (isStrict) checkPromote(members);
      return;
    }
    if (!isStrict) return;
    const activeSinceMs = (raftId: string): number | undefined => peers().activeSinceMs(raftId);
    const connections = { self, nowMs: clock.monotonic(), activeSinceMs };
    if (change.kind === 'add') checkAdd(members, change.member.isLearner, connections);
    else checkRemove(members, change.raftId, connections);
  }
}
