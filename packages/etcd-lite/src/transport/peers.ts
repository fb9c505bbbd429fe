import { once } from 'node:events';
import type { Clock, Disk, Logger } from '@kubelab/component-base';
import type { ClientTls, Init } from '@kubelab/rpc';
import type { Message, SnapshotMessage, SnapshotMetadata } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import type { SnapshotChunk, WireMessage } from '../wire.ts';
import { messageToWire } from './message-codec.ts';
import { PeerLink, type SnapshotStream } from './peer-link.ts';

/** The newest checkpoint: what a member far behind gets. */
export interface SnapshotSource {
  readonly path: string;
  readonly metadata: SnapshotMetadata;
}

export interface PeersOptions {
  readonly self: string;
  /** Raft id → peer URLs, without this member. */
  readonly peers: PeerUrls;
  readonly clusterId: string;
  readonly tls: ClientTls | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly disk: Disk;
  /** Made anew where the newest does not lead to the log any more. */
  readonly newestSnapshot: () => Promise<SnapshotSource | undefined>;
  readonly onUnreachable: (id: string) => void;
  readonly onSnapshotSent: (id: string, ok: boolean) => void;
  /** Another member says that this one was removed from the cluster. */
  readonly onRemoved: () => void;
  readonly lives: Lives;
  /** Where this member can be answered, now. */
  readonly selfUrls: () => readonly string[];
  /** Another member says that this one has been there before, and known more. */
  readonly onForgotten: () => void;
}

/** Raft id → where that member may be, the likeliest first. */
export type PeerUrls = ReadonlyMap<string, readonly string[]>;

/** See `MemberRecord.life`; empty where it is not known. */
export interface Lives {
  readonly own: string;
  readonly of: (raftId: string) => string;
}

/** What has gone to one other member since this one has known it. */
export type PeerTraffic = Pick<PeerLink, 'sentBytes' | 'sendFailures' | 'roundTrips'>;

/** What a member asks of another beside Raft. */
export type PeerQuestion = 'LeaseRenew' | 'LeaseTimeToLive' | 'ChangeMembers' | 'HashKV';

/** The way to the other members. */
export interface PeerTransport {
  /** May lose, delay and reorder them, but a forwarded proposal arrives at most once. */
  send(messages: readonly Message[]): void;
  ask<T>(id: string, question: PeerQuestion, request: object, timeoutMs: number): Promise<T>;
  /** Who the others are from now on. */
  setPeers(peers: PeerUrls): void;
  /** What went to each, by Raft id; for metrics. */
  readonly traffic?: () => ReadonlyMap<string, PeerTraffic>;
  /** Monotonic ms since when that member takes messages; undefined: it does not, now. */
  activeSinceMs(id: string): number | undefined;
  close(): void;
}

const CHUNK_BYTES = 256 * 1024;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/** Sends this member's messages to the others; one stream to each, snapshots on streams of their own. */
export class Peers implements PeerTransport {
  readonly #options: PeersOptions;
  readonly #links = new Map<string, PeerLink>();

  constructor(options: PeersOptions) {
    this.#options = options;
    this.setPeers(options.peers);
  }

  setPeers(peers: PeerUrls): void {
    for (const [id, link] of this.#links) {
      if (peers.has(id)) continue;
      link.close();
      this.#links.delete(id);
    }
    for (const [to, urls] of peers) {
      const link = this.#links.get(to);
      if (link === undefined) this.#links.set(to, this.#link(to, urls));
      else link.setUrls(urls);
    }
  }

  #link(to: string, urls: readonly string[]): PeerLink {
    const { self: from, clusterId, tls, log, clock, onRemoved, lives, onForgotten, selfUrls } = this.#options;
    const onBroken = (): void => this.#options.onUnreachable(to);
    const ends = { to, from, urls, clusterId, lives, selfUrls };
    return new PeerLink({ ...ends, tls, log, clock, onBroken, onRemoved, onForgotten });
  }

  traffic = (): ReadonlyMap<string, PeerTraffic> => this.#links;

  activeSinceMs(id: string): number | undefined {
    return this.#links.get(id)?.activeSinceMs;
  }

  async ask<T>(id: string, question: PeerQuestion, request: object, timeoutMs: number): Promise<T> {
    const link = this.#links.get(id);
    if (link === undefined) throw new EtcdError('noLeader');
    return link.ask<T>(question, request, timeoutMs);
  }

  /** The messages of one turn to one member leave in one frame, unless that would be too large. */
  send(messages: readonly Message[]): void {
    const batches = new Map<string, { wires: Init<WireMessage>[]; bytes: number }>();
    const flush = (to: string): void => {
      const batch = batches.get(to);
      batches.delete(to);
      if (batch !== undefined) this.#links.get(to)?.send(batch.wires);
    };
    for (const message of messages) {
      if (message.type === 'snapshot') {
        void this.#sendSnapshot(message);
        continue;
      }
      const batch = batches.get(message.to) ?? { wires: [], bytes: 0 };
      batches.set(message.to, batch);
      batch.wires.push(messageToWire(message));
      batch.bytes += sizeOf(message);
      if (batch.bytes > BATCH_BYTES_MAX) flush(message.to);
    }
    for (const to of [...batches.keys()]) flush(to);
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
  }

  async #sendSnapshot(message: SnapshotMessage): Promise<void> {
    const { log, onSnapshotSent } = this.#options;
    const { to } = message;
    try {
      const source = await this.#options.newestSnapshot();
      const link = this.#links.get(to);
      if (source === undefined || link === undefined)
        throw new Error('nothing to send, or nobody to send it to');
      log.info('sending a snapshot', { peer: to, index: source.metadata.index });
      // What is sent is the checkpoint on disk, so the message speaks of that one.
      const wire = messageToWire({ ...message, snapshot: { metadata: source.metadata } });
      await this.#stream(link, wire, source.path);
      onSnapshotSent(to, true);
    } catch (err) {
      log.warn('sending a snapshot failed', { peer: to, err });
      onSnapshotSent(to, false);
    }
  }

  async #stream(link: PeerLink, message: Init<WireMessage>, path: string): Promise<void> {
    const file = await this.#options.disk.open(path);
    let stream: SnapshotStream | undefined;
    try {
      stream = await link.snapshotStream();
      const acknowledged = once(stream, 'data');
      // It may fail at any time: while the file is being read, when nobody waits for it, and after the answer too.
      acknowledged.catch(() => undefined);
      stream.on('error', () => undefined);
      await write(stream, { message }, acknowledged);
      const size = await file.size();
      for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
        const data = await file.read(offset, Math.min(CHUNK_BYTES, size - offset));
        await write(stream, { data }, acknowledged);
      }
      await write(stream, { isLast: true }, acknowledged);
      stream.end();
      await acknowledged;
    } finally {
      // Or the other side would wait for the rest of what cannot be read here.
      stream?.cancel();
      await file.close();
    }
  }
}

async function write(
  stream: SnapshotStream,
  chunk: Init<SnapshotChunk>,
  end: Promise<unknown>,
): Promise<void> {
  // `once` rejects when the stream fails meanwhile.
  if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), end]);
}

function sizeOf(message: Message): number {
  if (message.type === 'append') return message.entries.reduce((sum, { data }) => sum + data.length + 32, 64);
  return message.type === 'propose' ? message.data.length + 64 : 64;
}
