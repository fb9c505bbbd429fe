import type { Clock, Timer } from '@kubelab/component-base';
import type { Message, Status } from 'raft-consensus';
import type { PeerTransport } from './peers.ts';

/** What is known of the members, this one's included. */
type Known = Pick<Status, 'id' | 'conf' | 'progress'>;

/** The longest that a message waits. */
const WAIT_MS = 5;
/** Whoever has asked for something waits for nothing meanwhile; nor does anybody under a new leader. */
const ASKED_MS = 1000;

/**
 * What other members need not know at once waits for something that they must, or for 5 ms, and leaves together with it:
 *  - how far the log is committed: the next append says so too
 *  - of a lone write, the entry itself, where the write does not depend on that member: the others are a quorum already,
 *    and this one takes several at once.
 * A client that writes one key after the other costs three members a quarter less that way, on machines where they
 * share a disk and cores.
 *
 * A member with clients of its own (it forwards requests, or asks up to where to read) gets everything at once.
 * To Raft this is a network that is late, and loses nothing by it: each member's messages stay in order.
 */
export class Mailbag {
  readonly #peers: Pick<PeerTransport, 'send'>;
  readonly #raft: { readonly status: () => Known };
  readonly #clock: Clock;
  readonly #held = new Map<string, Message[]>();
  /** Monotonic ms of each member's last request. */
  readonly #askedAtMs = new Map<string, number>();
  #ledAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(peers: Pick<PeerTransport, 'send'>, raft: { readonly status: () => Known }, clock: Clock) {
    this.#peers = peers;
    this.#raft = raft;
    this.#clock = clock;
  }

  send(messages: readonly Message[]): void {
    const hurried = this.#hurried(messages);
    const leaving: Message[] = [];
    for (const message of messages) {
      if (hurried.has(message.to)) leaving.push(...followedBy(this.#taken(message.to), message));
      else this.#hold(message);
    }
    if (leaving.length > 0) this.#peers.send(leaving);
  }

  /** From other members. */
  heard(messages: readonly Message[]): void {
    for (const { type, from } of messages) {
      if (type !== 'propose' && type !== 'read-index') continue;
      this.#askedAtMs.set(from, this.#clock.monotonic());
      const held = this.#taken(from);
      if (held.length > 0) this.#peers.send(held);
    }
  }

  /** This member is the leader from now on: others may wait to hear that something was decided. */
  leads(): void {
    this.#ledAtMs = this.#clock.monotonic();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** To whom something leaves now. */
  #hurried(messages: readonly Message[]): ReadonlySet<string> {
    const hurried = new Set<string>();
    const isLone = messages.every((message) => message.type !== 'append' || message.entries.length === 1);
    let needed: ReadonlySet<string> | undefined;
    for (const { type, to } of messages) {
      if (hurried.has(to)) continue;
      const mayWait =
        type === 'commit' || (type === 'append' && isLone && !(needed ??= this.#needed()).has(to));
      if (!mayWait || this.#hasAsked(to)) hurried.add(to);
    }
    return hurried;
  }

  #needed(): ReadonlySet<string> {
    return new Set(neededForQuorum(this.#raft.status()));
  }

  #hasAsked(id: string): boolean {
    const atMs = Math.max(this.#ledAtMs, this.#askedAtMs.get(id) ?? this.#ledAtMs);
    return this.#clock.monotonic() - atMs < ASKED_MS;
  }

  #hold(message: Message): void {
    const held = this.#held.get(message.to) ?? [];
    this.#held.set(message.to, followedBy(held, message));
    this.#timer ??= this.#clock.setTimer(WAIT_MS, () => this.#leaveAll());
  }

  #taken(id: string): Message[] {
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    return held;
  }

  #leaveAll(): void {
    this.#timer = undefined;
    const held = [...this.#held.values()].flat();
    this.#held.clear();
    if (held.length > 0) this.#peers.send(held);
  }
}

/** An append says itself what is committed. */
function followedBy(held: Message[], message: Message): Message[] {
  if (message.type === 'append' && held.at(-1)?.type === 'commit') held.pop();
  held.push(message);
  return held;
}

/**
 * The members with which a leader commits soonest: of those who follow, the ones whose logs reach furthest, as many
 * as it takes beside the leader itself. Where they are not enough, or two configurations must agree: all.
 */
export function neededForQuorum({ id, conf, progress }: Known): string[] {
  const others = conf.voters.filter((voter) => voter !== id);
  const following = others.filter((voter) => progress[voter]?.state === 'replicate');
  const count = Math.floor(conf.voters.length / 2) + 1 - (others.length < conf.voters.length ? 1 : 0);
  if (conf.votersOutgoing.length > 0 || following.length < count) return Object.keys(progress);
  return following.toSorted((a, b) => (progress[b]?.match ?? 0) - (progress[a]?.match ?? 0)).slice(0, count);
}
