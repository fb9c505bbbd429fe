import { assert } from '@kubelab/component-base';
import type { ConfChangeStep } from 'raft-consensus';
import { EtcdError } from './errors.ts';

/** A member as all members know it. */
export interface MemberRecord {
  /** Its id in hexadecimal, as etcdctl prints it. */
  readonly raftId: string;
  /** Empty until it has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  /** A learner that the leader promotes by itself as soon as it is in sync. */
  readonly autoPromote: boolean;
  /**
   * Chance's name for what it has known since it began without data. Another one under the same id has forgotten
   * what it promised. Empty: not known.
   */
  readonly life: string;
}

/** A member that has not started yet. */
export type NewMember = Pick<MemberRecord, 'raftId' | 'peerUrls' | 'isLearner' | 'autoPromote'>;

/** What changes who takes part in Raft. `replace`: a member that lost its data gets a new id, as a learner. */
export type MemberChange =
  | { readonly kind: 'add'; readonly member: NewMember; readonly learnersMax: number }
  | { readonly kind: 'promote'; readonly raftId: string }
  | { readonly kind: 'remove'; readonly raftId: string }
  | {
      readonly kind: 'replace';
      readonly raftId: string;
      readonly member: NewMember;
      readonly learnersMax: number;
    };

/**
 * Who belongs to the cluster: replicated state, changed by log entries only.
 * Invariants
 *   CONF-1  an id that was removed never belongs to the cluster again
 *   CONF-2  two members never have a peer URL in common
 *   CONF-8  under one id only one life is heard: the first
 */
export class Members {
  readonly #members = new Map<string, MemberRecord>();
  readonly #removed = new Set<string>();

  constructor(members: Iterable<MemberRecord> = [], removed: Iterable<string> = []) {
    for (const member of members) this.#members.set(member.raftId, plainRecord(member));
    for (const raftId of removed) this.#removed.add(raftId);
  }

  get(raftId: string): MemberRecord | undefined {
    return this.#members.get(raftId);
  }

  /** By id, as etcd lists them. */
  all(): MemberRecord[] {
    return [...this.#members.values()].sort((a, b) => memberIdOf(a.raftId) - memberIdOf(b.raftId));
  }

  voters(): MemberRecord[] {
    return this.all().filter(({ isLearner }) => !isLearner);
  }

  isRemoved(raftId: string): boolean {
    return this.#removed.has(raftId);
  }

  get removed(): readonly string[] {
    return [...this.#removed];
  }

  /** Who is reached at one of these URLs. */
  at(peerUrls: readonly string[]): MemberRecord | undefined {
    return this.all().find((member) => member.peerUrls.some((url) => peerUrls.includes(url)));
  }

  /** What a member tells about itself when it starts; from one that is none (any more) it is not news. */
  publish(raftId: string, name: string, clientUrls: readonly string[], life: string): void {
    const member = this.#members.get(raftId);
    if (member === undefined || isAnotherLife(member.life, life)) return;
    this.#members.set(raftId, { ...member, name, clientUrls, life: life || member.life });
  }

  /** Throws etcd's refusal. */
  update(raftId: string, peerUrls: readonly string[]): void {
    const member = this.#existing(raftId);
    this.#requireFree(peerUrls, raftId);
    this.#members.set(raftId, { ...member, peerUrls });
  }

  /**
   * Throws etcd's refusal, in etcd's order (`RaftCluster.ValidateConfigurationChange`). All members decide
   * this on the same state, and so alike.
   */
  check(change: MemberChange): void {
    switch (change.kind) {
      case 'add':
        this.#checkNew(change.member, change.learnersMax, undefined);
        return;
      case 'promote':
        if (!this.#existing(change.raftId).isLearner) throw new EtcdError('memberNotLearner');
        return;
      case 'remove':
        this.#existing(change.raftId);
        return;
      case 'replace':
        this.#existing(change.raftId);
        this.#checkNew(change.member, change.learnersMax, change.raftId);
        return;
    }
  }

  /** Of a change that was checked. */
  apply(change: MemberChange): void {
    if (change.kind === 'remove' || change.kind === 'replace') {
      this.#members.delete(change.raftId);
      this.#removed.add(change.raftId);
    }
    if (change.kind === 'add' || change.kind === 'replace') {
      const { raftId, peerUrls } = change.member;
      assert(!this.#removed.has(raftId), 'CONF-1', `${raftId} was removed`);
      assert(this.at(peerUrls) === undefined, 'CONF-2', `${peerUrls.join()} twice`);
      this.#members.set(raftId, { ...change.member, name: '', clientUrls: [], life: '' });
    }
    if (change.kind === 'promote') {
      const member = this.#existing(change.raftId);
      this.#members.set(change.raftId, { ...member, isLearner: false, autoPromote: false });
    }
  }

  #existing(raftId: string): MemberRecord {
    const member = this.#members.get(raftId);
    if (member === undefined) throw new EtcdError('memberNotFound');
    return member;
  }

  #checkNew(member: NewMember, learnersMax: number, replaced: string | undefined): void {
    if (this.#removed.has(member.raftId)) throw new EtcdError('memberNotFound');
    if (this.#members.has(member.raftId)) throw new EtcdError('memberExists');
    this.#requireFree(member.peerUrls, replaced);
    const others = this.all().filter(({ raftId }) => raftId !== replaced);
    const learnerCount = others.filter(({ isLearner }) => isLearner).length;
    if (member.isLearner && learnerCount >= learnersMax) throw new EtcdError('tooManyLearners');
  }

  #requireFree(peerUrls: readonly string[], self: string | undefined): void {
    for (const { raftId, peerUrls: taken } of this.#members.values()) {
      if (raftId !== self && taken.some((url) => peerUrls.includes(url)))
        throw new EtcdError('peerUrlExists');
    }
  }
}

/** CONF-8: whether one of these has forgotten what the other knew. */
export function isAnotherLife(known: string, claimed: string): boolean {
  return known !== '' && claimed !== '' && known !== claimed;
}

/** Off the wire, defaults are in the prototype, where whoever copies a record does not find them. */
export function plainRecord(member: MemberRecord): MemberRecord {
  const { raftId, name, peerUrls, clientUrls, isLearner, autoPromote, life } = member;
  return { raftId, name, peerUrls, clientUrls, isLearner, autoPromote, life };
}

/** The id as etcd's API has it. */
export function memberIdOf(raftId: string): number {
  return Number.parseInt(raftId, 16);
}

export function raftIdOf(memberId: number | bigint): string {
  return memberId.toString(16);
}

/** What the change means to Raft: never more than one voter more or less, so that quorums overlap. */
export function stepsOf(change: MemberChange): ConfChangeStep[] {
  switch (change.kind) {
    case 'add':
      return [addStep(change.member)];
    case 'promote':
      return [{ type: 'add-voter', node: change.raftId }];
    case 'remove':
      return [{ type: 'remove', node: change.raftId }];
    case 'replace':
      return [{ type: 'remove', node: change.raftId }, addStep(change.member)];
  }
}

function addStep({ raftId, isLearner }: NewMember): ConfChangeStep {
  return { type: isLearner ? 'add-learner' : 'add-voter', node: raftId };
}
