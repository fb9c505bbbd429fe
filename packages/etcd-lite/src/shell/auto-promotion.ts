import type { Clock, Logger, Timer } from '@kubelab/component-base';
import type { Raft } from 'raft-consensus';
import type { MemberRecord } from '../core/members.ts';
import type { MemberChanges } from './member-changes.ts';
import type { Membership } from './membership.ts';

export interface AutoPromotionOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
  readonly membership: Membership;
  readonly raft: Pick<Raft, 'status'>;
  readonly changes: Pick<MemberChanges, 'change'>;
  /** All learners, not only those that were added for it. */
  readonly isForAll: boolean;
}

/** What a leader does about learners: makes voters of those that keep up. */
export class AutoPromotion {
  readonly #options: AutoPromotionOptions;
  #timer: Timer | undefined;
  /** The commit index when it last looked: who has that now keeps up. */
  #commit = 0;

  constructor(options: AutoPromotionOptions) {
    this.#options = options;
  }

  /** This member leads from now on. */
  lead(): void {
    this.stop();
    this.#commit = this.#options.raft.status().commit;
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.setTimer(intervalMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { membership, isForAll, changes, log, raft } = this.#options;
    const timer = this.#timer;
    const wanted = membership.members
      .all()
      .filter((each) => each.isLearner && (isForAll || each.autoPromote));
    if (wanted.length > 0) {
      const ready = wanted.find((learner) => this.#keepsUp(learner));
      this.#commit = raft.status().commit;
      if (ready !== undefined) {
        log.info('promoting a learner that keeps up', { member: ready.raftId, name: ready.name });
        await changes
          .change({ kind: 'promote', raftId: ready.raftId })
          .catch((err: unknown) => log.warn('promoting failed', { err }));
      }
    }
    if (this.#timer === timer) this.#schedule();
  }

  #keepsUp({ raftId, name }: MemberRecord): boolean {
    const progress = this.#options.raft.status().progress[raftId];
    return name !== '' && progress?.state === 'replicate' && progress.match >= this.#commit;
  }
}
