import type { Clock, Random } from '@kubelab/component-base';
import { isRpcError, StatusCode } from '@kubelab/rpc';
import type { EtcdClient } from '@kubelab/rpc/client';
import { call, type Store } from '../clients/call.ts';
import type { Operation, Request } from '../clients/operation.ts';
import { type Habits, Requests, type Shared } from '../clients/requests.ts';
import { callRich, isRichAsked, readsBefore, type RichAsked } from './rich-real.ts';

export interface RealClientOptions {
  readonly number: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Goes on with another member when one fails. */
  readonly own: EtcdClient;
  /** Each stays with one member, up or down. */
  readonly pinned: readonly EtcdClient[];
  readonly operations: Operation[];
  readonly shared: Shared;
  readonly habits: Habits;
  /** Mean. */
  readonly thinkMs: number;
  /** The part of requests that may have any shape: nested transactions, sorted and filtered ranges. */
  readonly richShare: number;
  /** Where the history of this chapter begins. */
  readonly base: number;
}

/** After this a client gives up on an answer; then it does not know. */
const PATIENCE_MS = 2000;
const PATIENCE = { timeoutMs: PATIENCE_MS };
const LEASES_KNOWN_MAX = 12;
const PINNED_RATE = 0.1;
/** After a failure: not to storm at a member that is down. */
const FAILED_MS = 60;

/** One client of a real cluster: asks, waits for the answer or gives up, thinks, asks again, of any member. */
export class RealClient {
  readonly #options: RealClientOptions;
  readonly #requests: Requests;
  #isStopped = false;
  readonly #life: Promise<void>;

  constructor(options: RealClientOptions) {
    this.#options = options;
    const { number, random, shared, habits } = options;
    this.#requests = new Requests(`c${number}`, random, shared, habits);
    this.#life = this.#live();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#life;
  }

  /** A put, to see whether this member is alive. */
  probe(member: EtcdClient): Promise<Operation> {
    return this.ask(member, this.#requests.probe());
  }

  async #live(): Promise<void> {
    const { clock, random, own, pinned, thinkMs } = this.#options;
    while (!this.#isStopped) {
      const member = random.float() < PINNED_RATE ? pinned[random.int(pinned.length)] : own;
      const { outcome } = await this.ask(member ?? own, this.#next());
      await clock.sleep((outcome === 'unknown' ? FAILED_MS : thinkMs) * 2 * random.float());
    }
    own.close();
  }

  #next(): Request | RichAsked {
    const { random, richShare, base } = this.#options;
    if (random.float() >= richShare) return this.#requests.next();
    const request = this.#requests.rich();
    const isAsked = isRichAsked(request) && !readsBefore(request, base);
    return isAsked ? request : this.#requests.next();
  }

  async ask(member: EtcdClient, request: Request | RichAsked): Promise<Operation> {
    const { clock, operations, number, shared } = this.#options;
    const operation: Operation = {
      client: number,
      request,
      invokedMs: clock.monotonic(),
      returnedMs: Infinity,
      outcome: 'pending',
      answer: undefined,
    };
    operations.push(operation);
    try {
      operation.answer = isRichAsked(request)
        ? await callRich(member, request, PATIENCE)
        : await call(connection(member, clock), request);
      operation.outcome = 'ok';
    } catch (err) {
      operation.outcome = isRefusal(err) ? 'refused' : 'unknown';
    }
    if (operation.outcome !== 'unknown') operation.returnedMs = clock.monotonic();
    for (const { key, modRevision } of operation.answer?.found ?? []) this.#requests.saw(key, modRevision);
    shared.revision = Math.max(shared.revision, operation.answer?.revision ?? 0);
    if (operation.outcome === 'ok' && request.type === 'grant') {
      shared.leases.push(request.lease);
      // Older ones have run out, unless somebody has renewed them.
      if (shared.leases.length > LEASES_KNOWN_MAX) shared.leases.shift();
    }
    return operation;
  }
}

/** A connection as the requests want it; every call has an end. */
function connection(client: EtcdClient, clock: Clock): Store {
  const patience = PATIENCE;
  return {
    put: (request) => client.put(request, patience),
    deleteRange: (request) => client.deleteRange(request, patience),
    range: (request) => client.range(request, patience),
    txn: (request) => client.txn(request, patience),
    compact: (request) => client.compact(request, patience),
    leaseGrant: (request) => client.leaseGrant(request, patience),
    leaseRevoke: (request) => client.leaseRevoke(request, patience),
    leaseKeepAlive: (id) => within(clock, client.leaseKeepAlive(id)),
  };
}

function within<T>(clock: Clock, promise: Promise<T>): Promise<T> {
  const patience = clock.sleep(PATIENCE_MS).then(() => Promise.reject(new Error('no answer in time')));
  return Promise.race([promise, patience]);
}

/** Whether an error says for sure that nothing was done. */
function isRefusal(err: unknown): boolean {
  return isRpcError(err) && REFUSALS.has(err.code) && err.details.startsWith('etcdserver: ');
}

const REFUSALS = new Set<number>([
  StatusCode.INVALID_ARGUMENT,
  StatusCode.NOT_FOUND,
  StatusCode.FAILED_PRECONDITION,
  StatusCode.OUT_OF_RANGE,
]);
