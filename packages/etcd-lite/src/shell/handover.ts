import type { Clock, Logger } from '@kubelab/component-base';
import type { Raft, Status } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import type { PeerTransport } from '../transport/peers.ts';
import type { Leadership } from './leadership.ts';

export interface HandoverOptions {
  readonly raft: Pick<Raft, 'id' | 'status' | 'transferLeadership'>;
  readonly leadership: Pick<Leadership, 'leader' | 'isLeader'>;
  readonly peers: () => Pick<PeerTransport, 'activeSinceMs'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly electionMs: number;
  readonly wake: () => void;
  /** Raft takes no proposals while leadership moves: what has waited is proposed now. */
  readonly onOver: () => void;
}

/** Passing leadership on while everything still works, so that the others need no election. */
export class Handover {
  readonly #options: HandoverOptions;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** Resolves when `raftId` leads. */
  async transfer(raftId: string): Promise<void> {
    const { raft, leadership, clock, electionMs, wake, onOver } = this.#options;
    raft.transferLeadership(raftId);
    wake();
    const untilMs = clock.monotonic() + 2 * electionMs;
    try {
      while (leadership.leader !== raftId) {
        if (clock.monotonic() > untilMs) throw new EtcdError('timeoutLeaderFail');
        await clock.sleep(5);
      }
    } finally {
      onOver();
    }
  }

  /** Before a leader's stop. Resolves in any case. */
  async toHeir(): Promise<void> {
    const { raft, leadership, peers, log } = this.#options;
    if (!leadership.isLeader) return;
    const heir = heirOf(raft.status(), (id) => peers().activeSinceMs(id));
    if (heir === undefined) return;
    log.info('handing leadership over', { to: heir });
    try {
      await this.transfer(heir);
    } catch (err) {
      log.warn('handing over failed', { err });
    }
  }
}

/**
 * Who shall lead after this one: of the voters that keep up, the one whose connection is the oldest (etcd's
 * `longestConnected`). It has run for longest: what has just started is slow, its code being cold. Undefined: nobody can.
 */
export function heirOf(
  { id: self, conf, progress }: Pick<Status, 'id' | 'conf' | 'progress'>,
  activeSinceMs: (id: string) => number | undefined,
): string | undefined {
  const keepsUp = (id: string): number => Number(progress[id]?.state === 'replicate');
  const sinceMs = (id: string): number => activeSinceMs(id) ?? Infinity;
  const match = (id: string): number => progress[id]?.match ?? 0;
  const order = (a: string, b: string): number =>
    keepsUp(b) - keepsUp(a) || Math.sign(sinceMs(a) - sinceMs(b)) || match(b) - match(a);
  return conf.voters.filter((id) => id !== self && progress[id]?.isRecentlyActive === true).sort(order)[0];
}
