import type { ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { type Clock, errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import type { Channel } from '../channel.ts';
import { RpcError, rpcErrorFrom, StatusCode } from '../status.ts';
import type { Init } from '../wire.ts';
import { type Endpoints, requireLeader } from './endpoints.ts';
import { EtcdText } from './errors.ts';
import type * as pb from './messages.ts';
import { etcdServices } from './services.ts';

export interface WatchOptions {
  readonly key: Uint8Array;
  /** Empty or absent: the one key. */
  readonly rangeEnd?: Uint8Array;
  /** The first revision wanted; 0 or absent: what comes after the watch was created. */
  readonly startRevision?: number;
  readonly prevKv?: boolean;
  /** The server tells now and then how far the watch is. */
  readonly progressNotify?: boolean;
  readonly filters?: readonly number[];
}

/**
 * Called in order. Across reconnects no event comes twice and none is missing; when that cannot be kept (the
 * revision needed was compacted) `onEnd` says so and nothing more comes.
 */
export interface WatchHandlers {
  /** All events of one or more whole revisions; `revision` is the store's at that time. */
  onEvents(events: readonly pb.Event[], revision: number): void;
  /** Everything up to `revision` has been delivered. */
  onProgress?(revision: number): void;
  /** The watch stands (again): the store was at `revision`. */
  onCreated?(revision: number): void;
  /** Final: compacted (`isCompacted`), refused, or closed by us (undefined). */
  onEnd(error: RpcError | undefined): void;
}

const BACKOFF_MIN_MS = 20;
const BACKOFF_MAX_MS = 500;
/** A member that does not confirm a watch within this time is given up. */
const CREATE_TIMEOUT_MS = 4000;

/** One watch, kept up over any number of connections. */
export class WatchStream {
  readonly #endpoints: Endpoints;
  readonly #options: WatchOptions;
  readonly #handlers: WatchHandlers;
  readonly #log: Logger;
  readonly #clock: Clock;
  #nextRevision: number;
  #stream: ClientDuplexStream<Init<pb.WatchRequest>, pb.WatchResponse> | undefined;
  #channel: Channel;
  #isCreated = false;
  #isProgressWanted = false;
  #failureCount = 0;
  #timer: Timer | undefined;
  #isEnded = false;
  readonly #stopHearing: readonly (() => void)[];

  constructor(
    endpoints: Endpoints,
    options: WatchOptions,
    handlers: WatchHandlers,
    { log, clock }: { log: Logger; clock: Clock },
  ) {
    this.#endpoints = endpoints;
    this.#options = options;
    this.#handlers = handlers;
    this.#log = log;
    this.#clock = clock;
    this.#nextRevision = options.startRevision ?? 0;
    this.#channel = endpoints.current;
    const stopSuspecting = endpoints.onSuspect((channel) => {
      if (channel === this.#channel && this.#stream !== undefined) {
        this.#retry(this.#stream, new RpcError(StatusCode.UNAVAILABLE, 'the endpoint hangs'));
      }
    });
    this.#stopHearing = [stopSuspecting, endpoints.onClose(() => this.close())];
    this.#connect();
  }

  /**
   * Asks how far the watch is; the answer comes by `onProgress` once everything up to there has been
   * delivered.
   */
  requestProgress(): void {
    this.#isProgressWanted = !this.#isCreated;
    if (this.#isCreated) this.#stream?.write({ progressRequest: {} });
  }

  close(): void {
    this.#end(undefined);
  }

  #connect(): void {
    this.#isCreated = false;
    this.#channel = this.#endpoints.current;
    const { login } = this.#endpoints;
    if (login === undefined) return this.#open(requireLeader());
    login.addTo(requireLeader(), this.#channel).then(
      (metadata) => this.#open(metadata),
      (error: unknown) => this.#retry(undefined, rpcErrorFrom(error)),
    );
  }

  #open(metadata: Metadata): void {
    if (this.#isEnded) return;
    const stream = this.#channel.bidi<Init<pb.WatchRequest>, pb.WatchResponse>(etcdServices.Watch, 'Watch', {
      metadata,
    });
    this.#stream = stream;
    this.#timer = this.#clock.setTimer(CREATE_TIMEOUT_MS, () => stream.cancel());
    stream.on('data', (response: pb.WatchResponse) => {
      if (stream === this.#stream) this.#take(response);
    });
    stream.on('error', (error) => this.#retry(stream, rpcErrorFrom(error)));
    stream.on('end', () => this.#retry(stream, new RpcError(StatusCode.UNAVAILABLE, 'watch stream ended')));
    stream.write({ createRequest: { ...this.#options, startRevision: this.#nextRevision } });
  }

  #take(response: pb.WatchResponse): void {
    const { revision } = response.header;
    if (response.canceled) {
      this.#canceled(response);
    } else if (response.created) {
      this.#timer?.cancel();
      this.#isCreated = true;
      this.#failureCount = 0;
      // From here on nothing may be missed, even if the connection breaks before the first event.
      if (this.#nextRevision === 0) this.#nextRevision = revision + 1;
      this.#handlers.onCreated?.(revision);
      if (this.#isProgressWanted) this.requestProgress();
    } else if (response.events.length > 0) {
      this.#deliver(response.events, revision);
    } else {
      // Without events it is a progress notice: the watch is synced up to the header's revision.
      this.#nextRevision = Math.max(this.#nextRevision, revision + 1);
      this.#handlers.onProgress?.(revision);
    }
  }

  #deliver(events: readonly pb.Event[], revision: number): void {
    const fresh = events.filter((event) => event.kv.modRevision >= this.#nextRevision);
    const last = events.at(-1);
    if (last !== undefined) this.#nextRevision = Math.max(this.#nextRevision, last.kv.modRevision + 1);
    if (fresh.length > 0) this.#handlers.onEvents(fresh, revision);
  }

  #canceled(response: pb.WatchResponse): void {
    if (response.compactRevision > 0) {
      this.#end(new RpcError(StatusCode.OUT_OF_RANGE, EtcdText.compacted));
    } else if (this.#endpoints.login?.forgetAfter(response.cancelReason) === true) {
      this.#retry(this.#stream, new RpcError(StatusCode.UNAVAILABLE, response.cancelReason));
    } else if (response.cancelReason === EtcdText.noLeader && this.#stream !== undefined) {
      this.#retry(this.#stream, new RpcError(StatusCode.UNAVAILABLE, response.cancelReason));
    } else {
      this.#end(new RpcError(StatusCode.CANCELLED, response.cancelReason || 'etcdserver: watch canceled'));
    }
  }

  #retry(stream: object | undefined, error: RpcError): void {
    if (this.#isEnded || stream !== this.#stream) return;
    this.#drop();
    if (FINAL_CODES.has(error.code)) {
      this.#end(error);
      return;
    }
    this.#log.debug('watch broke', { endpoint: this.#channel.url, err: error, next: this.#nextRevision });
    this.#endpoints.moveOnFrom(this.#channel, errorMessage(error));
    const pauseMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#failureCount++);
    this.#timer = this.#clock.setTimer(pauseMs, () => this.#connect());
  }

  #end(error: RpcError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const stop of this.#stopHearing) stop();
    this.#drop();
    this.#handlers.onEnd(error);
  }

  #drop(): void {
    this.#timer?.cancel();
    const stream = this.#stream;
    this.#stream = undefined;
    this.#isCreated = false;
    stream?.cancel();
  }
}

/** No other endpoint would answer otherwise. */
const FINAL_CODES = new Set<number>([
  StatusCode.UNAUTHENTICATED,
  StatusCode.PERMISSION_DENIED,
  StatusCode.INVALID_ARGUMENT,
  StatusCode.UNIMPLEMENTED,
]);
