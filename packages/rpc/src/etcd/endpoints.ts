import { Metadata } from '@grpc/grpc-js';
import { type Clock, type Logger, must } from '@kubelab/component-base';
import { Channel } from '../channel.ts';
import { isRpcError, RpcError, StatusCode } from '../status.ts';
import type { ClientTls } from '../tls.ts';
import { isRetryableRead, isRetryableWrite } from './errors.ts';
import { type EtcdUser, Login } from './login.ts';
import { etcdServices } from './services.ts';

export interface EtcdClientOptions {
  /** `https://etcd-1:2379`, …: the first that answers is used until it fails. */
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls;
  /** Who asks, where the store wants to know. */
  readonly user?: EtcdUser;
  readonly log: Logger;
  readonly clock: Clock;
  /** For one call with all its attempts. */
  readonly requestTimeoutMs?: number;
}

export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type EtcdService = keyof typeof etcdServices;
type CallKind = 'read' | 'write';

const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The first attempt of a read, doubled with each: a member that hangs must not hold it, and a large list must
 * get through.
 */
const READ_ATTEMPT_MS = 4000;
/** A member that has not answered anything for this long is suspect: what is new goes to the next one. */
const SUSPECT_MS = 1500;
/** One attempt of a write where there is no connection yet. */
const CONNECT_ATTEMPT_MS = 2000;
const BACKOFF_MIN_MS = 25;
const BACKOFF_MAX_MS = 400;
// etcd drops connections that ping more often than every 5 s.
const KEEPALIVE_TIME_MS = 5_500;
const KEEPALIVE_TIMEOUT_MS = 2_000;

/** The members of one cluster, one of them current; moves on to the next when the current one fails. */
export class Endpoints {
  readonly #channels: readonly Channel[];
  readonly login: Login | undefined;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  #current = 0;
  #closed = false;
  readonly #suspectListeners = new Set<(channel: Channel) => void>();
  readonly #closeListeners = new Set<() => void>();

  constructor(options: EtcdClientOptions) {
    this.#channels = options.endpoints.map(
      (url) =>
        new Channel(url, {
          tls: options.tls,
          keepaliveTimeMs: KEEPALIVE_TIME_MS,
          keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
        }),
    );
    must(this.#channels[0], 'an endpoint');
    this.login = options.user && new Login(options.user);
    this.#log = options.log;
    this.#clock = options.clock;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  get current(): Channel {
    return must(this.#channels[this.#current]);
  }

  of(url: string): Channel {
    return must(
      this.#channels.find((channel) => channel.url === url),
      `endpoint ${url}`,
    );
  }

  /** Moves on from a channel that failed; nothing to do when another caller did so already. */
  moveOnFrom(failed: Channel, why: unknown): void {
    if (this.#closed || failed !== this.current || this.#channels.length === 1) return;
    this.#current = (this.#current + 1) % this.#channels.length;
    this.#log.info('next etcd endpoint', { from: failed.url, to: this.current.url, err: why });
  }

  /**
   * Hears of channels that hang: what waits for a stream of theirs should look elsewhere. Returns how to stop
   * hearing.
   */
  onSuspect(listener: (channel: Channel) => void): () => void {
    this.#suspectListeners.add(listener);
    return () => this.#suspectListeners.delete(listener);
  }

  #suspect(channel: Channel): void {
    if (this.#closed || this.#channels.length === 1) return;
    this.moveOnFrom(channel, 'no answer');
    for (const listener of [...this.#suspectListeners]) listener(channel);
  }

  /** One unary call, asked until somebody answers, as far as repeating is safe and time is left. */
  call<Res>(
    service: EtcdService,
    rpc: string,
    kind: CallKind,
    request: object,
    options: CallOptions = {},
  ): Promise<Res> {
    return this.#attempts(kind, options, (channel, timeoutMs, metadata) =>
      channel.unary<Res>(etcdServices[service], rpc, request, {
        metadata,
        timeoutMs,
        signal: options.signal,
      }),
    );
  }

  /** One request and its one answer on a stream of their own. Only for what may be repeated. */
  exchange<Res>(service: EtcdService, rpc: string, request: object): Promise<Res> {
    return this.#attempts('read', {}, (channel, timeoutMs, metadata) =>
      channel.exchange<Res>(etcdServices[service], rpc, request, { metadata, timeoutMs }),
    );
  }

  /** With the user's token, if there is a user. */
  asUser<Res>(channel: Channel, metadata: Metadata, ask: (metadata: Metadata) => Promise<Res>): Promise<Res> {
    return this.login === undefined ? ask(metadata) : this.login.ask(channel, metadata, ask);
  }

  async #attempts<Res>(
    kind: CallKind,
    options: CallOptions,
    ask: (channel: Channel, timeoutMs: number, metadata: Metadata) => Promise<Res>,
  ): Promise<Res> {
    const untilMs = this.#clock.monotonic() + (options.timeoutMs ?? this.#requestTimeoutMs);
    const isRetryable = kind === 'read' ? isRetryableRead : isRetryableWrite;
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw new RpcError(StatusCode.CANCELLED, 'etcd client is closed');
      const channel = this.current;
      const leftMs = untilMs - this.#clock.monotonic();
      const timeoutMs = Math.max(1, Math.min(leftMs, attemptTimeoutMs(kind, channel, attempt)));
      const suspicion = this.#clock.setTimer(SUSPECT_MS, () => this.#suspect(channel));
      try {
        return await this.asUser(channel, requireLeader(), (metadata) => ask(channel, timeoutMs, metadata));
      } catch (error) {
        // CANCELLED, but not by us: the server was shut down in the middle of it.
        const isCutOff = isRpcError(error, 'CANCELLED') && options.signal?.aborted !== true;
        const isHung = isRpcError(error, 'DEADLINE_EXCEEDED') && timeoutMs < leftMs;
        // A write that failed for good still says that this endpoint is no good.
        if (isCutOff || isRpcError(error, 'UNAVAILABLE', 'DEADLINE_EXCEEDED'))
          this.moveOnFrom(channel, error);
        const isSafe = isRetryable(error) || (kind === 'read' && (isHung || isCutOff));
        if (!isSafe || this.#closed) throw error;
        const pauseMs = backoffMs(attempt, this.#channels.length);
        if (this.#clock.monotonic() + pauseMs >= untilMs) throw error;
        if (pauseMs > 0) await this.#clock.sleep(pauseMs, options.signal);
      } finally {
        suspicion.cancel();
      }
    }
  }

  /** Called once, before the channels are closed. Returns how to stop hearing. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    for (const listener of [...this.#closeListeners]) listener();
    for (const channel of this.#channels) channel.close();
  }
}

/** A member that has lost its leader must say so at once instead of letting us wait. */
export function requireLeader(): Metadata {
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');
  return metadata;
}

function attemptTimeoutMs(kind: CallKind, channel: Channel, attempt: number): number {
  if (kind === 'read') return READ_ATTEMPT_MS * 2 ** attempt;
  return channel.isReady ? Number.POSITIVE_INFINITY : CONNECT_ATTEMPT_MS;
}

/** None within the first round over all endpoints, then doubling with each round. */
function backoffMs(attempt: number, endpointCount: number): number {
  const round = Math.floor((attempt + 1) / endpointCount);
  return round === 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (round - 1));
}
