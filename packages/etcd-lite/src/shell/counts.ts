import type { Clock, Logger } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import { Histogram } from '../core/histogram.ts';
import type { Applied } from '../core/state-machine.ts';
import type { InternalRequest } from '../wire.ts';
import type { Tuning } from './tuning.ts';

export interface CountsOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What a member has done since its start, as plain numbers that metrics are made of when somebody asks. Where
 * etcd counts the same, it means the same: operations inside a transaction make it count as one of those too.
 */
export class MemberCounts {
  readonly #options: CountsOptions;
  readonly #slowApplyMs: number;
  puts = 0;
  putBytes = 0;
  deletes = 0;
  txns = 0;
  ranges = 0;
  slowApplies = 0;
  leasesGranted = 0;
  leasesRevoked = 0;
  /** Seconds that leases were granted for. */
  readonly leaseTtls = Histogram.exponential(1, 2, 24);
  /** Seconds from handing a record to the log until it is durable. */
  readonly walSync = Histogram.exponential(0.001, 2, 14);

  constructor(options: CountsOptions, { slowApplyMs }: Pick<Tuning, 'slowApplyMs'>) {
    this.#options = options;
    this.#slowApplyMs = slowApplyMs;
  }

  /** One write to the log: the time until it is durable. */
  timeWrite(write: () => Promise<void> | undefined): Promise<void> | undefined {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    const pending = write();
    const done = (): void => this.walSync.observe((clock.monotonic() - startMs) / 1000);
    if (pending === undefined) done();
    else void pending.then(done, () => undefined);
    return pending;
  }

  /** A request was applied; `startMs` is the monotonic time when that was begun. */
  applied(request: InternalRequest, { response, error, changes }: Applied, startMs: number): void {
    const { clock, log } = this.#options;
    const slowApplyMs = this.#slowApplyMs;
    const tookMs = clock.monotonic() - startMs;
    if (tookMs > slowApplyMs) {
      this.slowApplies++;
      log.warn('apply request took too long', { tookMs, expectedMs: slowApplyMs, keys: changes.length });
    }
    if (error !== undefined) return;
    if (request.put !== null) this.#put(request.put);
    else if (request.deleteRange !== null) this.deletes++;
    else if (request.txn !== null) this.#txn(request.txn, response);
    else if (request.leaseGrant !== null) {
      this.leasesGranted++;
      this.leaseTtls.observe(request.leaseGrant.TTL);
    } else if (request.leaseRevoke !== null) this.leasesRevoked++;
  }

  #put({ key, value }: { readonly key: Uint8Array; readonly value: Uint8Array }): void {
    this.puts++;
    this.putBytes += key.length + value.length;
  }

  /** The branch that was taken. */
  #txn(txn: NonNullable<InternalRequest['txn']>, response: Init<object> | undefined): void {
    this.txns++;
    // Of its own request, so of this type.
    const { succeeded, responses } = (response ?? {}) as Init<TxnAnswer>;
    for (const [at, op] of (succeeded === true ? txn.success : txn.failure).entries()) {
      if (op.requestPut !== null) this.#put(op.requestPut);
      else if (op.requestDeleteRange !== null) this.deletes++;
      else if (op.requestRange !== null) this.ranges++;
      else if (op.requestTxn !== null) this.#txn(op.requestTxn, responses?.[at]?.responseTxn ?? undefined);
    }
  }
}

interface TxnAnswer {
  readonly succeeded: boolean;
  readonly responses: readonly { readonly responseTxn: object | null }[];
}
