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
  /** Where the other member may be, the likeliest first. */
  readonly urls: readonly string[];
  readonly clusterId: string;
  readonly tls: ClientTls | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  /** What was sent lately is probably lost. */
  readonly onBroken: () => void;
  /** The other side says that this member was removed from the cluster. */
  readonly onRemoved: () => void;
  readonly lives: Lives;
  /** Where this member can be answered, now. */
  readonly selfUrls: () => readonly string[];
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

/**
 * This member's stream of messages to one other, opened again whenever it breaks: at the next of its URLs (etcd's
 * `urlPicker`). While one answers it is kept, also when the other member is said to be elsewhere now.
 */
export class PeerLink {
  /** Seconds that pings took. */
  readonly roundTrips = Histogram.exponential(0.0001, 2, 16);
  readonly #options: PeerLinkOptions;
  #urls: readonly string[];
  #url: string;
  /** For what is not on the stream. */
  #channel: { readonly url: string; readonly opening: Promise<Channel> } | undefined;
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
    this.#urls = options.urls;
    this.#url = nextOf(options.urls, '');
    this.#open();
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
    const { from, to, clusterId, lives, selfUrls } = this.#options;
    const ids = { 'raft-id': from, 'cluster-id': clusterId, 'raft-id-to': to };
    return { ...ids, 'raft-urls': selfUrls().join(), 'raft-life': lives.own, 'raft-life-to': lives.of(to) };
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
    const channel = await this.#channelThere();
    return channel.unary<T>(peerService, question, request, { metadata: this.#metadata, timeoutMs });
  }

  /** A stream of its own, for one snapshot. */
  async snapshotStream(): Promise<SnapshotStream> {
    const channel = await this.#channelThere();
    return channel.bidi(peerService, 'Snapshot', { metadata: this.#metadata });
  }

  /** Where the other member may be from now on. */
  setUrls(urls: readonly string[]): void {
    this.#urls = urls;
    if (this.#activeSinceMs !== undefined || urls.includes(this.#url)) return;
    this.#retryTimer?.cancel();
    this.#stream?.cancel();
    this.#sentBytes = this.sentBytes;
    this.#url = nextOf(urls, '');
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#stream?.cancel();
    this.#closeChannel();
  }

  #channelThere(): Promise<Channel> {
    const url = this.#url;
    if (this.#channel?.url === url) return this.#channel.opening;
    this.#closeChannel();
    const opening = openChannel(url, this.#options.tls, {
      // After a partition TCP itself would take its time to notice that the way is free again.
      keepaliveTimeMs: KEEPALIVE_TIME_MS,
      keepaliveTimeoutMs: KEEPALIVE_TIME_MS,
      reconnectBackoffMaxMs: RECONNECT_MAX_MS,
    });
    this.#channel = { url, opening };
    return opening;
  }

  #closeChannel(): void {
    void this.#channel?.opening.then((channel) => channel.close());
  }

  #open(): void {
    this.#stream = new MessageStream({
      url: this.#url,
      tls: this.#options.tls,
      path: RAFT_PATH,
      protocol: RAFT_PROTOCOL,
      headers: this.#metadata,
      keepaliveTimeMs: KEEPALIVE_TIME_MS,
      onOpen: () => {
        if (this.#failureCount > 0) this.#options.log.info('peer connected', { peer: this.#options.to });
        this.#failureCount = 0;
        this.#activeSinceMs ??= this.#options.clock.monotonic();
        void this.#channelThere();
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
    this.#url = nextOf(this.#urls, this.#url);
    const pauseMs = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(10, this.#failureCount++));
    this.#retryTimer = this.#options.clock.setTimer(pauseMs, () => this.#open());
  }
}

/** The one after `url`, or the first. */
function nextOf(urls: readonly string[], url: string): string {
  return urls[(urls.indexOf(url) + 1) % urls.length] ?? '';
}

function says(err: unknown, text: string): boolean {
  return err instanceof Error && err.message.includes(text);
}
