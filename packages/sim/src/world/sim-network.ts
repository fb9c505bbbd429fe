import type { Random } from '@kubelab/component-base';
import {
  messageFromWire,
  messageToWire,
  type PeersOptions,
  type PeerTransport,
  raftMessageCodec,
  type SnapshotChunk,
} from '@kubelab/etcd-lite';
import type { Message, SnapshotMessage } from 'raft-consensus';
import type { Life, Timeline } from './timeline.ts';

/** How the network behaves at the moment. */
export interface NetworkMood {
  lossRate: number;
  duplicationRate: number;
  /** Of messages that take a hundred times longer, and so are overtaken. */
  delayRate: number;
  /** One-way: `a>b`. */
  readonly blocked: Set<string>;
}

/** A member's end of the network. */
export interface Endpoint {
  readonly life: Life;
  deliver(messages: readonly Message[]): void;
  receiveSnapshot(chunks: AsyncIterable<SnapshotChunk>): Promise<void>;
  answer(question: string, request: object): Promise<object>;
}

export interface NetworkOptions {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly endpointOf: (id: string) => Endpoint | undefined;
  /** Called for each message a member sends, before its fate is decided. */
  readonly onSent: (message: Message) => void;
}

const LATENCY_MS = 0.3;

/** The members' network: messages pass through the real codec, and through whatever mood it is in. */
export class SimNetwork {
  readonly mood: NetworkMood = { lossRate: 0, duplicationRate: 0, delayRate: 0, blocked: new Set() };
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #endpointOf: (id: string) => Endpoint | undefined;
  readonly #onSent: (message: Message) => void;

  constructor({ timeline, random, endpointOf, onSent }: NetworkOptions) {
    this.#timeline = timeline;
    this.#random = random;
    this.#endpointOf = endpointOf;
    this.#onSent = onSent;
  }

  #nameOf(id: string): string {
    return this.#endpointOf(id)?.life.node ?? id;
  }

  transportOf(life: Life, options: PeersOptions): PeerTransport {
    return {
      send: (messages) => {
        if (!life.isAlive) return;
        for (const message of messages) {
          this.#onSent(message);
          if (message.type === 'snapshot') void this.#sendSnapshot(life, options, message);
          else this.#send(message);
        }
      },
      ask: <T>(id: string, question: string, request: object, timeoutMs: number) =>
        this.#ask(life, options.self, id, question, request, timeoutMs) as Promise<T>,
      // Messages find their way by id, wherever that member is.
      setPeers: () => undefined,
      activeSinceMs: () => 0,
      close: () => undefined,
    };
  }

  isOpen(from: string, to: string): boolean {
    return !this.mood.blocked.has(`${from}>${to}`);
  }

  #send(message: Message): void {
    const { from, to } = message;
    const wire = raftMessageCodec.encode(messageToWire(message));
    const { duplicationRate } = this.mood;
    // A stream carries a message at most once; other messages must stand it all the same.
    const isTwice = message.type !== 'propose' && this.#random.float() < duplicationRate;
    for (let copies = isTwice ? 2 : 1; copies > 0; copies--) {
      if (!this.isOpen(from, to) || this.#random.float() < this.mood.lossRate) continue;
      this.#later(from, to, `${message.type} term ${message.term}`, (endpoint) => {
        const received = messageFromWire(raftMessageCodec.decode(wire));
        if (received !== undefined) endpoint.deliver([received]);
      });
    }
  }

  /** Runs at the receiver if it is up then; nobody hears of a loss. */
  #later(from: string, to: string, what: string, fn: (endpoint: Endpoint) => void): void {
    const isSlow = this.#random.float() < this.mood.delayRate;
    const delayMs = LATENCY_MS * (0.5 + this.#random.float()) * (isSlow ? 100 : 1);
    const owner = (): Life | undefined => this.#endpointOf(to)?.life;
    const note = `${what} from ${this.#nameOf(from)}`;
    this.#timeline.at(delayMs, owner, { event: 'deliver', note }, () => {
      const endpoint = this.#endpointOf(to);
      if (endpoint !== undefined) fn(endpoint);
    });
  }

  async #sendSnapshot(life: Life, options: PeersOptions, message: SnapshotMessage): Promise<void> {
    const { from, to } = message;
    let isAnswered = false;
    const report = (ok: boolean): void => {
      if (isAnswered) return;
      isAnswered = true;
      options.onSnapshotSent(to, ok);
    };
    this.#timeline.at(SNAPSHOT_TIMEOUT_MS, life, { event: 'snapshot-timeout' }, () => report(false));
    const source = await options.newestSnapshot();
    if (source === undefined) return;
    const content = await options.disk.readFile(source.path);
    if (content === undefined) return report(false);
    if (!this.isOpen(from, to) || this.#random.float() < this.mood.lossRate) return;
    const wire = messageToWire({ ...message, snapshot: { metadata: source.metadata } });
    const isCutOff = this.#random.float() < this.mood.lossRate;
    this.#later(from, to, `snapshot ${source.metadata.index}`, (endpoint) => {
      endpoint
        .receiveSnapshot(piecesOf(raftMessageCodec.decode(raftMessageCodec.encode(wire)), content, isCutOff))
        .then(
          () => this.#later(to, from, 'snapshot taken', () => life.isAlive && report(true)),
          () => this.#later(to, from, 'snapshot refused', () => life.isAlive && report(false)),
        );
    });
  }

  #ask(
    life: Life,
    from: string,
    to: string,
    question: string,
    request: object,
    timeoutMs: number,
  ): Promise<object> {
    return new Promise((resolve, reject) => {
      const timer = this.#timeline.at(timeoutMs, life, { event: 'ask-timeout' }, () =>
        reject(new Error('deadline exceeded')),
      );
      const reply = (isOk: boolean, value: unknown): void => {
        if (!this.isOpen(to, from) || this.#random.float() < this.mood.lossRate) return;
        this.#later(to, from, 'answer', () => {
          timer.cancel();
          if (!life.isAlive) return;
          if (isOk) resolve(value as object);
          else reject(value instanceof Error ? value : new Error(String(value)));
        });
      };
      if (!this.isOpen(from, to) || this.#random.float() < this.mood.lossRate) return;
      this.#later(from, to, question, (endpoint) => {
        endpoint.answer(question, request).then(
          (value) => reply(true, value),
          (err: unknown) => reply(false, err),
        );
      });
    });
  }
}

const SNAPSHOT_TIMEOUT_MS = 1000;
const PIECE_BYTES = 1024;

async function* piecesOf(
  message: SnapshotChunk['message'],
  content: Uint8Array,
  isCutOff: boolean,
): AsyncGenerator<SnapshotChunk> {
  const none = new Uint8Array();
  yield { message, data: none, isLast: false };
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    if (isCutOff && at > 0) return;
    yield { message: null, data: content.subarray(at, at + PIECE_BYTES), isLast: false };
  }
  yield { message: null, data: none, isLast: true };
}
