import type { Operation } from '../clients/operation.ts';
import type { Change } from './revisions.ts';
import { require } from './violation.ts';

/** No lease runs out before its time: keys that hang on it vanish no earlier than its last known renewal allows. */
export class LeasePromises {
  /** Lease → not before. */
  readonly #untilMs = new Map<number, number>();
  /** Lease → when its revocation was asked for. */
  readonly #revokedMs = new Map<number, number>();

  /** The promise counts from when the client asked: the member can only have begun later. */
  answered({ request, outcome, answer, invokedMs }: Operation): void {
    if (request.type === 'revoke' && outcome !== 'refused') this.#revokedMs.set(request.lease, invokedMs);
    const isLease = request.type === 'grant' || request.type === 'keep-alive';
    if (!isLease || outcome !== 'ok' || (answer?.ttlSeconds ?? 0) <= 0) return;
    const untilMs = invokedMs + (answer?.ttlSeconds ?? 0) * 1000;
    this.#untilMs.set(request.lease, Math.max(untilMs, this.#untilMs.get(request.lease) ?? 0));
  }

  /** `change` has just been applied for the first time. */
  applied({ key, value, revision, previous }: Change, nowMs: number): void {
    if (value !== undefined || previous === undefined || previous.lease === 0) return;
    const { lease } = previous;
    const untilMs = Math.min(this.#untilMs.get(lease) ?? 0, this.#revokedMs.get(lease) ?? Infinity);
    require(nowMs >= untilMs, 'lease-early', () =>
      `${key} vanished at revision ${revision}, ${(untilMs - nowMs).toFixed(0)} ms before lease ` +
      `${lease} was over`);
  }
}
