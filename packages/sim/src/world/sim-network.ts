import type { Random } from '@kubelab/component-base';
import {
  EtcdError,
  messageFromWire,
  messageToWire,
  type PeerCall,
  type PeersOptions,
  type PeerTransport,
  raftMessageCodec,
  type SnapshotChunk,
} from '@kubelab/etcd-lite';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { Message, SnapshotMessage } from 'raft-consensus';
import type { Life, Timeline } from './timeline.ts';

/** How the network behaves at the moment. */
export interface NetworkMood {
  lossRate: number;
  duplicationRate: number;
  /** Of messages that take a hundred times longer, and so are overtaken. */
  delayRate: number;
  /** Of forwarded proposals that arrive seconds late, as they may when TCP sends them again. */
  stallRate: number;
  /** One-way, by names of machines: `a>b`. */
  readonly blocked: Set<string>;
  /** Machines that no client reaches. */
  readonly hidden: Set<string>;
}

/** Who sends: a life of a member, whose messages come on streams that are told from those of its other lives. */
export interface Sender {
  readonly raftId: string;
  readonly stream: number;
  /** CONF-8: what it says of itself, and of whom it means. */
  readonly life: string;
  readonly lifeTo: string;
  readonly urls: readonly string[];
}

/** How a stream is received. */
export type Reception = 'yes' | 'no' | 'removed' | 'forgotten';

/** A machine's end of the network. */
export interface Endpoint {
  readonly life: Life;
  /** Raft id of the member that takes streams there; undefined: none, now. */
  readonly served: string | undefined;
  /** What a stream from there to the member `to` meets: a member that left must hear of it. */
  admits(from: Sender, to: string): Reception;
  deliver(messages: readonly Message[]): void;
  receiveSnapshot(chunks: AsyncIterable<SnapshotChunk>): Promise<void>;
  /** Rejects with an error of gRPC. */
  answer(question: string, request: object): Promise<object>;
}

export interface NetworkOptions {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly at: (url: string) => Endpoint | undefined;
  /** Called for each message a member sends, before its fate is decided. */
  readonly onSent: (message: Message) => void;
}

const LATENCY_MS = 0.3;
const STALL_MS = 3000;

/** The members' network: messages pass through the real codec, and through whatever mood it is in. */
export class SimNetwork {
  readonly mood: NetworkMood = {
    ...{ lossRate: 0, duplicationRate: 0, delayRate: 0, stallRate: 0 },
    ...{ blocked: new Set(), hidden: new Set() },
  };
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #at: (url: string) => Endpoint | undefined;
  readonly #onSent: (message: Message) => void;
  #streamCount = 0;

  constructor({ timeline, random, at, onSent }: NetworkOptions) {
    this.#timeline = timeline;
    this.#random = random;
    this.#at = at;
    this.#onSent = onSent;
  }

  /** Streams opened so far. */
  get streamCount(): number {
    return this.#streamCount;
  }

  transportOf(life: Life, options: PeersOptions): PeerTransport {
    const stream = ++this.#streamCount;
    const { lives, self: raftId, selfUrls } = options;
    const senderTo = (id: string): Sender => {
      return { raftId, stream, life: lives.own, lifeTo: lives.of(id), urls: selfUrls() };
    };
    let { peers } = options;
    // A link tries one after the other until it finds the member that it looks for.
    const urlTo = (to: string): string | undefined => {
      const urls = peers.get(to);
      return urls?.find((each) => this.#at(each)?.served === to) ?? urls?.[0];
    };
    const way = (to: string): Way | undefined => {
      const url = urlTo(to);
      return url === undefined ? undefined : { life, sender: senderTo(to), options, url, to };
    };
    return {
      send: (messages) => {
        if (!life.isAlive) return;
        for (const message of messages) {
          this.#onSent(message);
          const there = way(message.to);
          if (message.type === 'snapshot') void this.#sendSnapshot(there, options, message);
          else if (there !== undefined) this.#send(there, message);
        }
      },
      ask: <T>(id: string, question: string, request: object, timeoutMs: number) => {
        const url = urlTo(id);
        if (url === undefined) return Promise.reject(new EtcdError('noLeader'));
        return this.#ask(life, url, timeoutMs, question, (endpoint) => {
          if (endpoint.admits(senderTo(id), id) === 'yes') return endpoint.answer(question, request);
          throw new RpcError(StatusCode.FAILED_PRECONDITION, 'not for you');
        }) as Promise<T>;
      },
      setPeers: (known) => {
        peers = known;
      },
      // Whoever is reached has been reached for long.
      activeSinceMs: (id) => {
        const there = this.#at(urlTo(id) ?? '');
        const isReached = there?.served === id && this.isOpen(life.node, there.life.node);
        return isReached ? -ACTIVE_MS : undefined;
      },
      close: () => undefined,
    };
  }

  /** What one asks without being a member yet. */
  callsOf(life: Life): PeerCall {
    return <T>(url: string, rpc: string, request: object, timeoutMs: number) =>
      this.#ask(life, url, timeoutMs, rpc, (endpoint) => endpoint.answer(rpc, request)) as Promise<T>;
  }

  isOpen(from: string, to: string): boolean {
    return !this.mood.blocked.has(`${from}>${to}`);
  }

  #isLost(from: string, to: string): boolean {
    return !this.isOpen(from, to) || this.#random.float() < this.mood.lossRate;
  }

  #send(way: Way, message: Message): void {
    const wire = raftMessageCodec.encode(messageToWire(message));
    const { duplicationRate, stallRate } = this.mood;
    const isProposal = message.type === 'propose';
    // A stream carries a message at most once; other messages must stand it all the same.
    const isTwice = !isProposal && this.#random.float() < duplicationRate;
    const stallMs = isProposal && this.#random.float() < stallRate ? STALL_MS * this.#random.float() : 0;
    for (let copies = isTwice ? 2 : 1; copies > 0; copies--) {
      this.#deliver(way, `${message.type} term ${message.term}`, stallMs, (endpoint) => {
        const received = messageFromWire(raftMessageCodec.decode(wire));
        if (received !== undefined) endpoint.deliver([received]);
      });
    }
  }

  /** To a member, which may refuse the stream. */
  #deliver(way: Way, what: string, stallMs: number, fn: (endpoint: Endpoint) => void): void {
    const { life, sender, options, url, to } = way;
    const there = this.#at(url)?.life.node ?? url;
    if (this.#isLost(life.node, there)) return;
    this.#later(life.node, url, what, stallMs, (endpoint) => {
      const admitted = endpoint.admits(sender, to);
      if (admitted === 'yes') return fn(endpoint);
      if (admitted === 'no' || this.#isLost(there, life.node)) return;
      this.#timeline.at(LATENCY_MS, life, { event: 'refused', note: admitted }, () => {
        if (admitted === 'removed') options.onRemoved();
        else options.onForgotten();
      });
    });
  }

  /** Runs at whoever is there then; nobody hears of a loss. */
  #later(from: string, url: string, what: string, stallMs: number, fn: (endpoint: Endpoint) => void): void {
    const isSlow = this.#random.float() < this.mood.delayRate;
    const delayMs = LATENCY_MS * (0.5 + this.#random.float()) * (isSlow ? 100 : 1) + stallMs;
    const owner = (): Life | undefined => this.#at(url)?.life;
    this.#timeline.at(delayMs, owner, { event: 'deliver', note: `${what} from ${from}` }, () => {
      const endpoint = this.#at(url);
      if (endpoint !== undefined) fn(endpoint);
    });
  }

  async #sendSnapshot(way: Way | undefined, options: PeersOptions, message: SnapshotMessage): Promise<void> {
    const { to } = message;
    let isAnswered = false;
    const report = (ok: boolean): void => {
      if (isAnswered) return;
      isAnswered = true;
      options.onSnapshotSent(to, ok);
    };
    if (way === undefined) return report(false);
    const { life } = way;
    this.#timeline.at(SNAPSHOT_TIMEOUT_MS, life, { event: 'snapshot-timeout' }, () => report(false));
    const source = await options.newestSnapshot();
    if (source === undefined) return report(false);
    const content = await options.disk.readFile(source.path);
    if (content === undefined) return report(false);
    const wire = messageToWire({ ...message, snapshot: { metadata: source.metadata } });
    const isCutOff = this.#random.float() < this.mood.lossRate;
    const back = (what: string, isOk: boolean, there: string): void => {
      if (this.#isLost(there, life.node)) return;
      this.#timeline.at(LATENCY_MS, life, { event: 'deliver', note: `${what} from ${there}` }, () =>
        report(isOk),
      );
    };
    this.#deliver(way, `snapshot ${source.metadata.index}`, 0, (endpoint) => {
      const { node } = endpoint.life;
      const chunks = piecesOf(raftMessageCodec.decode(raftMessageCodec.encode(wire)), content, isCutOff);
      endpoint.receiveSnapshot(chunks).then(
        () => back('snapshot taken', true, node),
        () => back('snapshot refused', false, node),
      );
    });
  }

  /** A call: the question, the answer, or both may be lost. */
  #ask(
    life: Life,
    url: string,
    timeoutMs: number,
    what: string,
    fn: (endpoint: Endpoint) => Promise<object>,
  ): Promise<object> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = this.#timeline.at(timeoutMs, life, { event: 'ask-timeout' }, () => {
        isOver = true;
        reject(new RpcError(StatusCode.DEADLINE_EXCEEDED, 'deadline exceeded'));
      });
      const there = this.#at(url)?.life.node ?? url;
      const reply = (settle: () => void): void => {
        isOver = true;
        if (this.#isLost(there, life.node)) return broken(KEEPALIVE_MS * (0.5 + this.#random.float()));
        this.#timeline.at(LATENCY_MS, life, { event: 'deliver', note: `answer from ${there}` }, () => {
          timer.cancel();
          settle();
        });
      };
      const refuse = (err: unknown): void => reply(() => reject(wireError(err)));
      // What gRPC finds out by itself: sooner where nobody listens, later where nothing comes back.
      const broken = (delayMs: number): void => {
        this.#timeline.at(delayMs, life, { event: 'call-breaks', note: what }, () => {
          timer.cancel();
          reject(new RpcError(StatusCode.UNAVAILABLE, 'connection broken'));
        });
      };
      const callee = this.#at(url)?.life;
      if (callee?.isAlive !== true) return broken(LATENCY_MS);
      if (this.#isLost(life.node, there)) return broken(KEEPALIVE_MS * (0.5 + this.#random.float()));
      const watchCallee = (): void => {
        this.#timeline.at(KEEPALIVE_MS / 10, life, { event: 'call-checks', note: what }, () => {
          if (isOver) return;
          if (callee.isAlive) return watchCallee();
          timer.cancel();
          reject(new RpcError(StatusCode.UNAVAILABLE, 'connection broken'));
        });
      };
      watchCallee();
      this.#later(life.node, url, what, 0, (endpoint) => {
        const answered = async (): Promise<object> => fn(endpoint);
        answered().then((value) => {
          const copy: object = structuredClone(value);
          reply(() => resolve(copy));
        }, refuse);
      });
    });
  }
}

/** From a life of one member to another, wherever that is. */
interface Way {
  readonly life: Life;
  readonly sender: Sender;
  readonly options: PeersOptions;
  readonly url: string;
  readonly to: string;
}

/** Of an error the network carries the code and the text only. */
function wireError(err: unknown): RpcError {
  if (err instanceof RpcError) return new RpcError(err.code, err.details);
  return new RpcError(StatusCode.UNKNOWN, err instanceof Error ? err.message : String(err));
}

const KEEPALIVE_MS = 3000;
const ACTIVE_MS = 3_600_000;
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
