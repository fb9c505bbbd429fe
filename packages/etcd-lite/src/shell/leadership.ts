import type { Clock, Logger, Random, Timer } from '@kubelab/component-base';
import type { SoftState } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';

export interface LeadershipOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly electionMs: number;
  readonly term: () => number;
  readonly forgetLeader: () => void;
  readonly campaign: () => void;
}

const CAMPAIGN_ATTEMPTS_MAX = 5;

/** Who leads, as far as this member knows, and what to do when the leader is gone. */
export class Leadership {
  readonly #options: LeadershipOptions;
  #leader: string | undefined;
  #isLeader = false;
  #term = 0;
  /** How often a leader became known that was not the one before. */
  #changes = 0;
  #lostTimer: Timer | undefined;
  #lost = new AbortController();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get leader(): string | undefined {
    return this.#leader;
  }
  get isLeader(): boolean {
    return this.#isLeader;
  }
  get term(): number {
    return this.#term;
  }
  get changes(): number {
    return this.#changes;
  }
  /**
   * Aborted when there has been no leader for three election timeouts; a new one after that has a new signal.
   */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  changed({ role, leader }: SoftState): void {
    const { clock, electionMs, log } = this.#options;
    this.#term = this.#options.term();
    if (leader !== undefined && leader !== this.#leader) this.#changes++;
    this.#leader = leader;
    this.#isLeader = role === 'leader';
    log.info('leadership', { role, leader, term: this.#term });
    if (leader === undefined) {
      this.#lostTimer ??= clock.setTimer(3 * electionMs, () => this.#lost.abort(new EtcdError('noLeader')));
      return;
    }
    this.#lostTimer?.cancel();
    this.#lostTimer = undefined;
    if (this.#lost.signal.aborted) this.#lost = new AbortController();
  }

  /**
   * The other member's connection broke. If it was the leader, waiting for its heartbeats is a waste of time:
   * it is forgotten, and this member asks for (pre-)votes, which the others only give if they have lost it
   * too.
   */
  peerGone(raftId: string): void {
    if (raftId !== this.#leader || this.#isLeader) return;
    this.#options.log.info('connection of the leader lost', { leader: raftId });
    this.#options.forgetLeader();
    this.#campaignSoon(0);
  }

  /**
   * At its start a member knows no leader; where all start together there is none. So it asks soon, not
   * after an election timeout. Voters that hear a leader refuse, and its next heartbeat ends the question.
   */
  seek(): void {
    this.#campaignSoon(0);
  }

  stop(): void {
    this.#lostTimer?.cancel();
  }

  /** Spread over a fraction of the election timeout, so that two survivors rarely ask at the same time. */
  #campaignSoon(attempt: number): void {
    const { clock, random, electionMs, campaign } = this.#options;
    const delayMs = 5 + random.int(Math.max(1, Math.floor((electionMs / 10) * (attempt + 1))));
    clock.setTimer(delayMs, () => {
      if (this.#leader !== undefined || attempt === CAMPAIGN_ATTEMPTS_MAX) return;
      campaign();
      this.#campaignSoon(attempt + 1);
    });
  }
}
