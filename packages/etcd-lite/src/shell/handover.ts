import type { Clock, Logger } from '@kubelab/component-base';
import type { Raft } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import type { Leadership } from './leadership.ts';

export interface HandoverOptions {
  readonly raft: Pick<Raft, 'id' | 'status' | 'transferLeadership'>;
  readonly leadership: Pick<Leadership, 'leader' | 'isLeader'>;
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
    const { leadership, log } = this.#options;
    const heir = leadership.isLeader ? this.#heir() : undefined;
    if (heir === undefined) return;
    log.info('handing leadership over', { to: heir });
    try {
      await this.transfer(heir);
    } catch (err) {
      log.warn('handing over failed', { err });
    }
  }

  /** The voter that is furthest. */
  #heir(): string | undefined {
    const { raft } = this.#options;
    const { progress, conf } = raft.status();
    return conf.voters
      .filter((id) => id !== raft.id && progress[id]?.isRecentlyActive === true)
      .sort((a, b) => (progress[b]?.match ?? 0) - (progress[a]?.match ?? 0))[0];
  }
}
