import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock, Logger, Timer } from '@kubelab/component-base';
import { type ClientTls, type Init, MessageStream } from '@kubelab/rpc';
import type { Channel } from '@kubelab/rpc/client';
import { Histogram } from '../core/histogram.ts';
import { peerService, raftMessagesCodec, type SnapshotChunk, type WireMessage } from '../wire.ts';
import { FORGOTTEN_TEXT, REMOVED_TEXT } from './caller.ts';
import { openChannel } from './open-channel.ts';
import type { Lives, PeerQuestion } from './peers.ts';

export interface PeerLinkOptions {
  /** Raft id of the other member, and of this one. */
  readonly to: string;
  readonly from: string;
  readonly url: string;
  readonly clusterId: string;
  readonly tls: ClientTls | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  /** What was sent lately is probably lost. */
  readonly onBroken: () => void;
  readonly onConnected: () => void;
  /** The other side says that this member was removed from the cluster. */
  readonly onRemoved: () => void;
  readonly lives: Lives;
  /** Where this member can be answered. */
  readonly selfUrl: string;
  readonly onForgotten: () => void;
}

export type SnapshotStream = ClientDuplexStream<Init<SnapshotChunk>, object>;

/** Where members ask for a stream of Raft messages, and what they call it. */
export const RAFT_PATH = '/raft/stream';
export const RAFT_PROTOCOL = 'kubelab-raft';

export const KEEPALIVE_TIME_MS = 3000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 500;
/**
 * Beyond this the other side does not keep up: messages are dropped, and Raft sends again what it still
 * needs.
 */
const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;

/** This member's stream of messages to one other, opened again whenever it breaks. */
export class PeerLink {
  /** For what is not on the stream. */
  readonly #channel: Promise<Channel>;
  /** Seconds that pings took. */
  readonly roundTrips = Histogram.exponential(0.0001, 2, 16);
  readonly #options: PeerLinkOptions;
  #stream: MessageStream | undefined;
  #retryTimer: Timer | undefined;
  #failureCount = 0;
  #isClosed = false;
  #activeSinceMs: number | undefined;
  /** On streams that are no more. */
  #sentBytes = 0;
  #sendFailures = 0;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#channel = openChannel(options.url, options.tls, {
      // After a partition TCP itself would take its time to notice that the way is free again.
      keepaliveTimeMs: KEEPALIVE_TIME_MS,
      keepaliveTimeoutMs: KEEPALIVE_TIME_MS,
      reconnectBackoffMaxMs: RECONNECT_MAX_MS,
    });
    this.#open();
  }

  get url(): string {
    return this.#options.url;
  }
  /** Monotonic ms since when the other side has taken messages without a break; undefined: it does not. */
  get activeSinceMs(): number | undefined {
    return this.#activeSinceMs;
  }

  get sentBytes(): number {
    return this.#sentBytes + (this.#stream?.sentBytes ?? 0);
  }
  /** Batches that were dropped. */
  get sendFailures(): number {
    return this.#sendFailures;
  }

  /** Says who calls, and whom. */
  get #metadata(): Readonly<Record<string, string>> {
    const { from, to, clusterId, lives, selfUrl } = this.#options;
    const ids = { 'raft-id': from, 'cluster-id': clusterId, 'raft-id-to': to, 'raft-url': selfUrl };
    return { ...ids, 'raft-life': lives.own, 'raft-life-to': lives.of(to) };
  }

  send(messages: readonly Init<WireMessage>[]): void {
    const stream = this.#stream;
    if (stream !== undefined && stream.bufferedBytes <= BUFFERED_BYTES_MAX) {
      return stream.write(raftMessagesCodec.encodeFrame({ messages }));
    }
    this.#sendFailures++;
    this.#options.onBroken();
  }

  async ask<T>(question: PeerQuestion, request: object, timeoutMs: number): Promise<T> {
    const channel = await this.#channel;
    return channel.unary<T>(peerService, question, request, { metadata: this.#metadata, timeoutMs });
  }

  /** A stream of its own, for one snapshot. */
  async snapshotStream(): Promise<SnapshotStream> {
    const channel = await this.#channel;
    return channel.bidi(peerService, 'Snapshot', { metadata: this.#metadata });
  }

  close(): void {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#stream?.cancel();
    void this.#channel.then((channel) => channel.close());
  }

  #open(): void {
    const { url, tls } = this.#options;
    this.#stream = new MessageStream({
      url,
      tls,
      path: RAFT_PATH,
      protocol: RAFT_PROTOCOL,
      headers: this.#metadata,
      keepaliveTimeMs: KEEPALIVE_TIME_MS,
      onOpen: () => {
        if (this.#failureCount > 0) this.#options.log.info('peer connected', { peer: this.#options.to });
        this.#failureCount = 0;
        this.#activeSinceMs ??= this.#options.clock.monotonic();
        this.#options.onConnected();
      },
      onRoundTrip: (ms) => this.roundTrips.observe(ms / 1000),
      onEnd: (err) => this.#broken(err),
    });
  }

  #broken(err: unknown): void {
    if (this.#isClosed) return;
    this.#sentBytes = this.sentBytes;
    this.#stream = undefined;
    this.#activeSinceMs = undefined;
    if (says(err, REMOVED_TEXT)) this.#options.onRemoved();
    if (says(err, FORGOTTEN_TEXT)) this.#options.onForgotten();
    if (this.#failureCount === 0)
      this.#options.log.info('peer connection lost', { peer: this.#options.to, err });
    this.#options.onBroken();
    const pauseMs = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(10, this.#failureCount++));
    this.#retryTimer = this.#options.clock.setTimer(pauseMs, () => this.#open());
  }
}

function says(err: unknown, text: string): boolean {
  return err instanceof Error && err.message.includes(text);
}
