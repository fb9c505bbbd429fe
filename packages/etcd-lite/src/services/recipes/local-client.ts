import type { ServiceDefinition } from '@grpc/grpc-js';
import { must } from '@kubelab/component-base';
import { type CallInfo, type Init, RpcError, StatusCode, type UnaryHandler } from '@kubelab/rpc';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  etcdServices,
  EventType,
  type LeaseGrantResponse,
  type LeaseId,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
  type WatchCreateRequest,
  type WatchResponse,
} from '@kubelab/rpc/etcd';
import type { Member } from '../../shell/member.ts';
import type { kvService } from '../kv.ts';
import type { leaseService } from '../lease.ts';
import { WatchSession } from '../watch.ts';

export interface LocalServices {
  readonly member: Member;
  readonly kv: ReturnType<typeof kvService>;
  readonly lease: ReturnType<typeof leaseService>;
}

/** Seconds; of the lease of whoever brings none, as in etcd's `concurrency.NewSession`. */
const SESSION_TTL = 60;
/** No watch here asks to be told of progress. */
const PROGRESS_INTERVAL_MS = 600_000;
/** Responses that may wait for a slow reader: the rest it gets from the history, when it has read these. */
const WAITING_MAX = 64;

/**
 * A client of this member within it, on a caller's behalf: it may what the caller may, and ends when the caller
 * is gone. Messages go through the codecs, so that it sees what any other client would.
 */
export class LocalClient {
  readonly #services: LocalServices;
  readonly #call: CallInfo;

  constructor(services: LocalServices, call: CallInfo) {
    this.#services = services;
    this.#call = call;
  }

  get isOver(): boolean {
    return this.#call.signal.aborted;
  }

  range(request: Init<RangeRequest>): Promise<RangeResponse> {
    return this.#ask(etcdServices.KV['Range'], this.#services.kv.range, request);
  }
  txn(request: Init<TxnRequest>): Promise<TxnResponse> {
    return this.#ask(etcdServices.KV['Txn'], this.#services.kv.txn, request);
  }
  deleteRange(request: Init<DeleteRangeRequest>): Promise<DeleteRangeResponse> {
    return this.#ask(etcdServices.KV['DeleteRange'], this.#services.kv.deleteRange, request);
  }

  /** The lease, or a new one where there is none. */
  async session(lease: LeaseId): Promise<LeaseId> {
    if (lease !== 0) return lease;
    const { lease: service } = this.#services;
    const granted = await this.#ask<LeaseGrantResponse>(etcdServices.Lease['LeaseGrant'], service.grant, {
      TTL: SESSION_TTL,
    });
    return granted.ID;
  }

  /** Until the caller is gone. Throws where the watch is refused or cancelled. */
  async *watch(createRequest: Init<WatchCreateRequest>): AsyncGenerator<WatchResponse> {
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = must(
      etcdServices.Watch['Watch'],
    );
    const { signal } = this.#call;
    const waiting: WatchResponse[] = [];
    let wake = (): void => undefined;
    const onGone = (): void => wake();
    const send = (response: Init<WatchResponse>): boolean => {
      waiting.push(responseDeserialize(responseSerialize(response)) as WatchResponse);
      wake();
      return waiting.length < WAITING_MAX;
    };
    const session = new WatchSession(this.#services.member, { send }, PROGRESS_INTERVAL_MS, this.#call);
    signal.addEventListener('abort', onGone);
    try {
      session.request(requestDeserialize(requestSerialize({ createRequest })));
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next !== undefined && waiting.length === 0) session.drained();
        if (next?.canceled === true) {
          throw new RpcError(StatusCode.CANCELLED, next.cancelReason || 'etcdserver: watch canceled');
        }
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onGone);
      session.close();
    }
  }

  /** Resolves when the key is deleted, after `revision` or with it. */
  async deleted(key: Uint8Array, revision: number): Promise<void> {
    for await (const { events } of this.watch({ key, startRevision: revision }))
      if (events.some(({ type }) => type === EventType.DELETE)) return;
    throw new RpcError(StatusCode.CANCELLED, 'context canceled');
  }

  async #ask<Res>(
    method: ServiceDefinition[string] | undefined,
    handler: UnaryHandler<never, unknown>,
    request: object,
  ): Promise<Res> {
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = must(method);
    const complete = requestDeserialize(requestSerialize(request));
    const response = await handler(complete as never, this.#call);
    return responseDeserialize(responseSerialize(response)) as Res;
  }
}
