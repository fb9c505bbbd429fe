import { type Clock, must } from '@kubelab/component-base';
import { confOf, emptyHardState, emptyLog, type Entry, type Message, Raft } from 'raft-consensus';
import { nextTurn } from '../slices.ts';
import { Mailbag } from '../transport/mailbag.ts';
import { messageFromWire, messageToWire } from '../transport/message-codec.ts';
import { RecordBuffer } from '../wal/record-buffer.ts';
import { internalRequestCodec, raftMessagesCodec } from '../wire.ts';
import { Proposals } from './proposals.ts';
import { RaftNode } from './raft-node.ts';

const IDS = ['a', 'b', 'c'] as const;
const CLUSTER = confOf(IDS);

/** After so many the code is as quick as it gets; together they take 50 ms, one more of them later 2 ms. */
const FIRST_COUNT = 12;
/** A member that starts has other things to do, and so have those around it: at once, it made a lab's start 0.9 s longer. */
const FIRST_MS = 1000;
/** V8 forgets code that nobody runs. */
const AGAIN_MS = 60_000;
/** Of the event loop, for one election: it takes a dozen. */
const TURNS_MAX = 1000;

/** Keeps the code of elections at hand where `isNeeded`; returns what ends that. */
export function keepRehearsed(clock: Pick<Clock, 'setTimer'>, isNeeded: () => boolean): () => void {
  const rehearse = (count: number): void => {
    timer = clock.setTimer(AGAIN_MS, () => rehearse(1));
    if (isNeeded()) void rehearseElections(count);
  };
  let timer = clock.setTimer(FIRST_MS, () => rehearse(FIRST_COUNT));
  return () => timer.cancel();
}

/**
 * Three members in memory write and pass leadership round, `count` times; resolves with the term that they come to. It is done
 * so that V8 has read and compiled that code, and seen every kind of message in it, before it is wanted: the first election of
 * a process takes three times as long as its tenth, and all clients wait for it. Compiled code that meets a kind of message, or a
 * list of another length, for the first time is thrown away: what has seen all of them before is kept.
 * Everything is real but disk, sockets and clock.
 */
export async function rehearseElections(count: number): Promise<number> {
  const members = new Map<string, Player>();
  const post = (message: Message): void => members.get(message.to)?.hear(overTheWire(message));
  for (const id of IDS) members.set(id, new Player(id, post));
  let leader = must(members.get(IDS[0]));
  leader.campaign();
  for (let i = 0; i <= count; i++) {
    await until(() => [...members.values()].every(({ raft }) => raft.leader === leader.raft.id));
    for (const member of members.values()) await member.write();
    if (i === count) break;
    const heir = must(members.get(must(IDS[(i + 1) % IDS.length])));
    leader.handOver(heir.raft.id);
    leader = heir;
  }
  for (const member of members.values()) await member.stop();
  return leader.raft.term;
}

/** A member without disk, clock and clients. */
class Player {
  readonly raft: Raft;
  readonly #node: RaftNode;
  readonly #mailbag: Mailbag;
  readonly #proposals: Proposals;
  readonly #log = new RecordBuffer();

  constructor(id: string, post: (message: Message) => void) {
    this.raft = new Raft(
      { id },
      { hardState: emptyHardState, conf: CLUSTER, log: emptyLog },
      { int: () => 0 },
    );
    const send = (messages: readonly Message[]): void => messages.forEach(post);
    this.#mailbag = new Mailbag({ send }, this.raft, STANDING);
    this.#node = new RaftNode({
      raft: this.raft,
      clock: STANDING,
      tickMs: 0,
      append: (record) => void this.#log.frame(record, 0),
      send: (messages) => this.#mailbag.send(messages),
      apply: (entries) => this.#apply(entries),
      restore: () => Promise.resolve(),
      reads: () => undefined,
      leadership: () => undefined,
      leaderKnown: () => this.#leaderKnown(),
      beforeRound: () => undefined,
      anticipation: undefined,
      fatal: (error) => {
        throw error;
      },
    });
    this.#proposals = new Proposals({
      self: id,
      clock: STANDING,
      timeoutMs: 1,
      requestBytesMax: Infinity,
      firstId: 1,
      term: () => this.raft.term,
      propose: (data) => {
        const outcome = this.raft.propose(data);
        this.#node.wake();
        return outcome;
      },
    });
  }

  campaign(): void {
    this.raft.campaign();
    this.#node.hurry();
  }

  handOver(heir: string): void {
    this.raft.transferLeadership(heir);
    this.#node.hurry();
  }

  write(): Promise<object> {
    return this.#proposals.propose({ put: { key: Buffer.from('k'), value: Buffer.from('v') } });
  }

  /** In a turn of the event loop of its own, as from a socket: who is there already is served between. */
  hear(messages: readonly Message[]): void {
    setImmediate(() => {
      this.#mailbag.heard(messages);
      this.#node.step(messages);
    });
  }

  async stop(): Promise<void> {
    await this.#node.stop();
    this.#mailbag.stop();
    this.#proposals.stop();
  }

  #leaderKnown(): void {
    if (this.raft.leader === this.raft.id) this.#mailbag.leads();
    this.#proposals.leaderKnown();
  }

  #apply(entries: readonly Entry[]): void {
    for (const { data, term } of entries) {
      if (data.length === 0) this.#proposals.termApplied(term);
      else
        this.#proposals.applied(internalRequestCodec.decode(data), {
          changes: [],
          response: {},
          error: undefined,
        });
    }
  }
}

/** Nothing is ever due. */
const STANDING: Clock = {
  now: () => 0,
  monotonic: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
  sleep: () => new Promise(() => undefined),
};

function overTheWire(message: Message): Message[] {
  const bytes = raftMessagesCodec.encode({ messages: [messageToWire(message)] });
  const { messages } = raftMessagesCodec.decode(bytes);
  return messages.map(messageFromWire).filter((heard) => heard !== undefined);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < TURNS_MAX && !isSo(); i++) await nextTurn();
}
