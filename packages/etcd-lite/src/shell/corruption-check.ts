import type { Clock, Logger, Timer } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import { AlarmAction, AlarmType, type HashKVResponse } from '@kubelab/rpc/etcd';
import type { KeyValueHash } from '../core/hash-kv.ts';
import type { EtcdFlags } from '../flags/check.ts';
import type { PeerServiceOptions } from '../transport/peer-service.ts';
import type { Member } from './member.ts';

/** The hash of a member's history up to a revision, and how far that member was. */
export type MemberHash = Pick<KeyValueHash, 'hash' | 'compactRevision'> & { readonly revision: number };

export interface CorruptionCheckOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly isLeader: () => boolean;
  /** Of this member; 0: up to its newest revision. */
  readonly own: (revision: number) => Promise<MemberHash>;
  /** Raft ids of the others. */
  readonly others: () => readonly string[];
  /** Rejects when that member cannot say: it is behind, has compacted the revision, or does not answer. */
  readonly ask: (raftId: string, revision: number) => Promise<MemberHash>;
  /** Resolves when this member's state contains all that was acknowledged before. */
  readonly linearize: () => Promise<void>;
  /** Raises etcd's CORRUPT alarm: nothing is served any more, until people have looked. */
  readonly alarm: () => Promise<unknown>;
}

/** As the flags want it; the function it returns ends it. Throws when this member must not serve. */
export async function startCorruptionCheck(
  member: Member,
  hashKv: PeerServiceOptions['hashKv'],
  flags: EtcdFlags,
): Promise<() => void> {
  const { clock, log, electionMs } = member.options;
  const check = new CorruptionCheck({
    clock,
    log,
    isLeader: () => member.leadership.isLeader,
    own: async (revision) => memberHash(await hashKv({ revision })),
    others: () => [...member.membership.others().keys()],
    ask: async (raftId, revision) => {
      const timeoutMs = ASK_TIMEOUT_MS + 2 * electionMs;
      return memberHash(await member.askPeer<HashKVResponse>(raftId, 'HashKV', { revision }, timeoutMs));
    },
    linearize: () => member.linearize(),
    // Whose data are wrong nobody knows: as in etcd, the alarm is of no member.
    alarm: () =>
      member.propose({ alarm: { action: AlarmAction.ACTIVATE, memberID: 0, alarm: AlarmType.CORRUPT } }),
  });
  if (flags['experimental-initial-corrupt-check']) await check.initial();
  const intervals = [
    flags['experimental-corrupt-check-time'],
    flags['experimental-compact-hash-check-enabled'] ? flags['experimental-compact-hash-check-time'] : 0,
  ].filter((ms) => ms > 0);
  if (intervals.length > 0) check.every(Math.min(...intervals));
  return () => check.stop();
}

const ASK_TIMEOUT_MS = 5000;

function memberHash({ header, hash, compactRevision }: Init<HashKVResponse>): MemberHash {
  return { hash: hash ?? 0, compactRevision: compactRevision ?? 0, revision: header?.revision ?? 0 };
}

/**
 * Looks whether all members hold the same history, as etcd's corruption checker does: their `HashKV` at one
 * revision must be equal where their compacted revisions are, and nobody may be ahead of the leader.
 */
export class CorruptionCheck {
  readonly #options: CorruptionCheckOptions;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: CorruptionCheckOptions) {
    this.#options = options;
  }

  /** Only the leader looks. */
  every(intervalMs: number): void {
    const { clock, log, isLeader } = this.#options;
    this.#timer = clock.setTimer(intervalMs, () => {
      const look = async (): Promise<void> => {
        if (isLeader()) await this.ofLeader();
      };
      void look()
        .catch((err: unknown) => log.warn('the members could not be compared', { err }))
        .finally(() => {
          if (!this.#isStopped) this.every(intervalMs);
        });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Before anything is served. Throws when another member's history is not this one's. */
  async initial(): Promise<void> {
    const { own, log } = this.#options;
    const mine = await own(0);
    for (const [peer, theirs] of await this.#ask(mine.revision)) {
      if (theirs.compactRevision !== mine.compactRevision || theirs.hash === mine.hash) continue;
      log.error('found different hash values from remote peer', { peer, mine, theirs });
      throw new Error(`data differ from those of member ${peer} at revision ${mine.revision}`);
    }
    log.info('initial corruption checking passed', { rev: mine.revision });
  }

  /** All that can be asked are compared with this leader. */
  async ofLeader(): Promise<void> {
    const { own, linearize, alarm, log } = this.#options;
    const before = await own(0);
    const others = await this.#ask(before.revision);
    // What the others had then, this member has from here on.
    await linearize();
    const after = await own(0);
    const wrong = [...others].find(
      ([, { revision, compactRevision, hash }]) =>
        revision > after.revision ||
        compactRevision > after.compactRevision ||
        (compactRevision === before.compactRevision && hash !== before.hash),
    );
    if (wrong === undefined) {
      log.info('members hold the same history', { rev: before.revision, compared: others.size });
      return;
    }
    const [peer, theirs] = wrong;
    log.error('members hold different histories', { peer, mine: before, theirs });
    await alarm();
  }

  async #ask(revision: number): Promise<Map<string, MemberHash>> {
    const { others, ask, log } = this.#options;
    const found = new Map<string, MemberHash>();
    await Promise.all(
      others().map(async (peer) => {
        try {
          found.set(peer, await ask(peer, revision));
        } catch (err) {
          log.warn('a member cannot be compared now', { peer, rev: revision, err });
        }
      }),
    );
    return found;
  }
}
