import { ChurnMap, type Clock, type Timer } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { ProposalOutcome } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import { keepBytes } from '../core/keep-bytes.ts';
import type { Applied } from '../core/state-machine.ts';
import { type InternalRequest, internalRequestCodec } from '../wire.ts';

export interface ProposalsOptions {
  readonly self: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly requestBytesMax: number;
  /** Where ids start: not one that this member used before its last restart. */
  readonly firstId: number;
  /** This member's current term. */
  readonly term: () => number;
  readonly propose: (data: Uint8Array) => ProposalOutcome;
}

type Body = Omit<Init<InternalRequest>, 'proposer' | 'id' | 'term'>;

interface Waiter {
  readonly id: number;
  readonly body: Body;
  readonly deadlineMs: number;
  readonly isForThisTerm: boolean;
  /** The term it was proposed in; undefined: not yet. */
  term: number | undefined;
  resolve(response: Init<object>): void;
  reject(error: unknown): void;
}

/** Beyond this, clients are told to come back later. */
const WAITERS_MAX = 5000;

/**
 * The requests of this member on their way through the log. A request counts only in the term it was proposed
 * in, so once an entry of a later term has been applied, its old copy is void for good, and it is proposed
 * again: clients of a member that lives see a leader's death as a delay, not as an error.
 */
export class Proposals {
  readonly #options: ProposalsOptions;
  readonly #waiters = new ChurnMap<number, Waiter>();
  #nextId: number;
  #timer: Timer | undefined;
  #failedCount = 0;

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#nextId = options.firstId;
  }

  /** Requests under way. */
  get pendingCount(): number {
    return this.#waiters.size;
  }
  /** Requests that did not get through the log in time. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /**
   * Resolves with the response once applied here. Rejects with the refusal, or when the time is over (outcome
   * unknown). `isForThisTerm`: what was right when it was proposed may be wrong under another leader
   * (LEASE-2); it is not proposed again, but rejected.
   */
  propose(body: Body, isForThisTerm = false): Promise<Init<object>> {
    return new Promise((resolve, reject) => {
      if (this.#waiters.size >= WAITERS_MAX) throw new EtcdError('tooManyRequests');
      const deadlineMs = this.#options.clock.monotonic() + this.#options.timeoutMs;
      const id = this.#nextId++;
      const waiter: Waiter = { id, body, deadlineMs, isForThisTerm, term: undefined, resolve, reject };
      this.#waiters.set(waiter.id, waiter);
      this.#startTimer();
      this.#tryPropose(waiter);
    });
  }

  applied(request: InternalRequest, applied: Applied): void {
    if (request.proposer !== this.#options.self) return;
    const waiter = this.#waiters.get(request.id);
    if (waiter === undefined) return;
    this.#waiters.delete(request.id);
    if (applied.error !== undefined) waiter.reject(applied.error);
    else waiter.resolve(applied.response ?? {});
  }

  /** A leader is known (again): what could not be proposed is proposed now. */
  leaderKnown(): void {
    for (const waiter of this.#waiters.values()) if (waiter.term === undefined) this.#proposeAgain(waiter);
  }

  /** The first entry of `term` has been applied: nothing proposed in an earlier term can follow any more. */
  termApplied(term: number): void {
    for (const waiter of this.#waiters.values()) {
      if (waiter.term === undefined || waiter.term >= term) continue;
      waiter.term = undefined;
      this.#proposeAgain(waiter);
    }
  }

  /**
   * The state was replaced by a later one. What had been proposed may be part of it, and nobody can tell: to
   * propose it again could apply it twice (SM-3).
   */
  restored(): void {
    for (const waiter of this.#waiters.values()) {
      if (waiter.term === undefined) continue;
      this.#waiters.delete(waiter.id);
      waiter.reject(new EtcdError('timeoutLeaderFail'));
    }
  }

  stop(): void {
    this.#timer?.cancel();
    for (const waiter of this.#waiters.values()) waiter.reject(new EtcdError('stopped'));
    this.#waiters.clear();
  }

  #tryPropose(waiter: Waiter): void {
    const { self, requestBytesMax } = this.#options;
    const term = this.#options.term();
    // Raft keeps it in memory until the next checkpoint but one.
    const data = keepBytes(
      internalRequestCodec.encode({ ...waiter.body, proposer: self, id: waiter.id, term }),
    );
    if (data.length > requestBytesMax) return this.#refuse(waiter, 'requestTooLarge');
    const outcome = this.#options.propose(data);
    if (outcome === 'accepted' || outcome === 'forwarded') waiter.term = term;
    else if (outcome === 'too-large') this.#refuse(waiter, 'requestTooLarge');
    else if (outcome === 'too-many-uncommitted') this.#refuse(waiter, 'tooManyRequests');
    // Else there is no leader to take it: it waits for the next.
  }

  #proposeAgain(waiter: Waiter): void {
    if (waiter.isForThisTerm) this.#refuse(waiter, 'leaderChanged');
    else this.#tryPropose(waiter);
  }

  #refuse(waiter: Waiter, reason: 'requestTooLarge' | 'tooManyRequests' | 'leaderChanged'): void {
    this.#waiters.delete(waiter.id);
    waiter.reject(new EtcdError(reason));
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    const [oldest] = this.#waiters.values();
    if (oldest === undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, oldest.deadlineMs - clock.monotonic()), () => {
      this.#timer = undefined;
      const nowMs = clock.monotonic();
      for (const waiter of this.#waiters.values()) {
        if (waiter.deadlineMs > nowMs) break;
        this.#waiters.delete(waiter.id);
        this.#failedCount++;
        waiter.reject(new EtcdError(waiter.term === undefined ? 'timeoutLeaderFail' : 'timeout'));
      }
      this.#startTimer();
    });
  }
}
