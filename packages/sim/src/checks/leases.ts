import type { Operation } from '../clients/operation.ts';
import { deletionsOf } from './rich-order.ts';
import type { Change } from './revisions.ts';
import { require } from './violation.ts';

/** No lease runs out before its time: keys that hang on it vanish no earlier than its last known renewal allows. */
export class LeasePromises {
  /** Lease → not before. */
  readonly #untilMs = new Map<number, number>();
  /** Lease → when its revocation was asked for. */
  readonly #revokedMs = new Map<number, number>();

  /** Lease → since when a client knows of it. */
  readonly #knownMs = new Map<number, number>();

  /** Ranges that clients have asked to delete: what vanishes there may have been deleted. */
  readonly #deletions = new Map<string, { readonly key: string; readonly end: string | undefined }>();

  /** From now on it may be gone. */
  asked({ request, invokedMs }: Operation): void {
    if (request.type === 'revoke' && !this.#revokedMs.has(request.lease))
      this.#revokedMs.set(request.lease, invokedMs);
    for (const range of deletionsOf(request)) this.#deletions.set(`${range.key}..${range.end}`, range);
  }

  /** The promise counts from when the client asked: the member can only have begun later. */
  answered(operation: Operation, nowMs = operation.returnedMs): void {
    const { request, outcome, answer, invokedMs } = operation;
    if (outcome !== 'refused') this.asked(operation);
    if (request.type === 'time-to-live' && outcome === 'ok' && answer?.ttlSeconds === -1)
      this.#requireOver(request.lease, invokedMs, nowMs, 'is said to be gone');
    if (request.type === 'leases' && outcome === 'ok') {
      for (const lease of this.#untilMs.keys())
        if (answer?.leases?.includes(lease) !== true)
          this.#requireOver(lease, invokedMs, nowMs, 'is not in the list');
    }
    const isLease = request.type === 'grant' || request.type === 'keep-alive';
    if (!isLease || outcome !== 'ok' || (answer?.ttlSeconds ?? 0) <= 0) return;
    const untilMs = invokedMs + (answer?.ttlSeconds ?? 0) * 1000;
    if (!this.#knownMs.has(request.lease)) this.#knownMs.set(request.lease, nowMs);
    this.#untilMs.set(request.lease, Math.max(untilMs, this.#untilMs.get(request.lease) ?? 0));
  }

  /** `invokedMs`: when the question was asked. What nobody knew of then may not have been granted yet. */
  #requireOver(lease: number, invokedMs: number, nowMs: number, what: string): void {
    if ((this.#knownMs.get(lease) ?? Infinity) > invokedMs) return;
    const untilMs = Math.min(this.#untilMs.get(lease) ?? 0, this.#revokedMs.get(lease) ?? Infinity);
    require(nowMs >= untilMs, 'lease-early', () =>
      `lease ${lease} ${what} ${(untilMs - nowMs).toFixed(0)} ms before it was over`);
  }

  /** `change` has just been applied for the first time. */
  applied({ key, value, revision, previous }: Change, nowMs: number): void {
    if (value !== undefined || previous === undefined || previous.lease === 0) return;
    const isDeleted = this.#deletions
      .values()
      .some((range) => (range.end === undefined ? key === range.key : key >= range.key && key < range.end));
    if (isDeleted) return;
    const { lease } = previous;
    const untilMs = Math.min(this.#untilMs.get(lease) ?? 0, this.#revokedMs.get(lease) ?? Infinity);
    require(nowMs >= untilMs, 'lease-early', () =>
      `${key} vanished at revision ${revision}, ${(untilMs - nowMs).toFixed(0)} ms before lease ` +
      `${lease} was over`);
  }
}
