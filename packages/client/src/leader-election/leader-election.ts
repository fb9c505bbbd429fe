/**
 * Leader election on a Lease (coordination.k8s.io), as upstream's `tools/leaderelection`.
 * Invariants
 *   LE-1  a lease of another is taken only when it was not seen to change for its whole duration, on our own
 *         clock
 *   LE-2  every write is conditional on the resourceVersion seen: of two who take it at once, one fails
 *   LE-3  a leader that could not renew for the renew deadline gives up before its lease may be taken
 * It is no fence: a process stopped (SIGSTOP) past its lease may still send a write; therefore all writes of
 * controllers are conditional.
 */
import { isStatus, Lease } from '@kubelab/api';
import { assert, errorMessage } from '@kubelab/component-base';
import { TransportError } from '../transport/transport.ts';
import type { LeaderElectionOptions } from '../types.ts';
import { claim, holderOf, isHeld, observe, type Observation } from './lease-record.ts';

const JITTER = 0.2;

/**
 * Takes part until `signal` is aborted or a held lease is lost. `onStartedLeading` gets a signal that ends
 * with the leadership; `onStoppedLeading` is called only when it was lost. Asked to end, the leader gives the
 * lease back, so that another takes it at once.
 */
export async function runLeaderElection(options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  assert(
    options.leaseDurationMs > options.renewDeadlineMs,
    'LE-3',
    'lease duration must exceed renew deadline',
  );
  assert(
    options.renewDeadlineMs > options.retryPeriodMs * (1 + JITTER),
    'LE-3',
    'renew deadline must exceed retry period',
  );
  const { clock, retryPeriodMs, name, identity } = options;
  const log = options.log.child({ lease: name, identity });
  const elector = new Elector(options);

  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => undefined);
  log.info('attempting to acquire leader lease');
  while (!(await elector.tryAcquireOrRenew())) {
    await pause(retryPeriodMs * (1 + JITTER * options.random.float()));
    if (signal.aborted) return;
  }

  log.info('successfully acquired lease');
  elector.tell('became leader');
  const leading = new AbortController();
  options.onStartedLeading(leading.signal);
  while (!signal.aborted && elector.msToDeadline() > 0) {
    await pause(Math.min(retryPeriodMs, elector.msToDeadline()));
    if (signal.aborted) break;
    if (!(await elector.tryAcquireOrRenew()) && elector.isLostToAnother()) break;
  }

  leading.abort(new Error('no longer the leader'));
  elector.tell('stopped leading');
  if (signal.aborted) {
    await elector.release();
    return;
  }
  log.error('failed to renew lease', { holder: elector.holder });
  options.onStoppedLeading();
}

class Elector {
  readonly #options: LeaderElectionOptions;
  readonly #timeoutMs: number;
  #seen: Observation | undefined;
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    // Two servers can be tried within the deadline.
    this.#timeoutMs = options.renewDeadlineMs / 2;
  }

  get holder(): string {
    return this.#seen === undefined ? '' : holderOf(this.#seen);
  }
  isLostToAnother(): boolean {
    return this.holder !== '' && this.holder !== this.#options.identity;
  }
  msToDeadline(): number {
    return this.#renewedAtMs + this.#options.renewDeadlineMs - this.#options.clock.monotonic();
  }

  tell(what: string): void {
    if (this.#seen === undefined) return;
    const { events, identity } = this.#options;
    events?.event(this.#seen.lease, 'Normal', 'LeaderElection', `${identity} ${what}`);
  }

  /** True when the lease is ours and fresh. Never throws for what a server may answer. */
  async tryAcquireOrRenew(): Promise<boolean> {
    const { clock, identity, log } = this.#options;
    // Others count from when they see the renewal, which is later: counting from before the request is the
    // safe side (LE-3).
    const startMs = clock.monotonic();
    try {
      // While it is ours the object we wrote last is the newest: one small call a period.
      if (this.holder !== identity) await this.#look('0');
      const seen = this.#seen;
      if (seen !== undefined && holderOf(seen) !== identity && isHeld(seen, clock.monotonic())) return false;
      await this.#write(seen);
      this.#renewedAtMs = startMs;
      return true;
    } catch (error) {
      if (!isStatus(error) && !(error instanceof TransportError)) throw error;
      log.info('lease not renewed', { lease: this.#options.name, err: errorMessage(error) });
      // Conflict, or a write whose fate is unknown: look before writing again.
      await this.#look().catch(() => undefined);
      return false;
    }
  }

  /** Lets another take over at once. */
  async release(): Promise<void> {
    const { client, identity, clock, log } = this.#options;
    if (this.#seen === undefined || this.holder !== identity) return;
    const { lease } = this.#seen;
    const spec = { ...claim(lease.spec, identity, 1000, clock.now()), holderIdentity: '' };
    try {
      await client.update(Lease, { ...lease, spec }, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      // It runs out by itself then.
      log.info('lease not released', { err: errorMessage(error) });
    }
  }

  /**
   * With version `0` the server answers from memory: those who wait ask all day long. What is too old harms
   * nobody, as the write that would follow from it fails (LE-2).
   */
  async #look(resourceVersion?: '0'): Promise<void> {
    const { client, namespace, name, clock } = this.#options;
    try {
      const limits = { timeoutMs: this.#timeoutMs, resourceVersion };
      const lease = await client.get(Lease, { namespace, name }, limits);
      this.#seen = observe(this.#seen, lease, clock.monotonic());
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
      this.#seen = undefined;
    }
  }

  async #write(seen: Observation | undefined): Promise<void> {
    const { client, namespace, name, identity, leaseDurationMs, clock } = this.#options;
    const spec = claim(seen?.lease.spec, identity, leaseDurationMs, clock.now());
    const limit = { timeoutMs: this.#timeoutMs };
    const lease =
      seen === undefined
        ? await client.create(Lease, { metadata: { name, namespace }, spec }, limit)
        : await client.update(Lease, { ...seen.lease, spec }, limit); // LE-2: carries the resourceVersion seen
    this.#seen = { lease, atMs: clock.monotonic() };
  }
}
