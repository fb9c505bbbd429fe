/** One core under test, the others played by the test: it steps messages in and looks at what comes out. */
import {
  confOf,
  type ConfState,
  type Entry,
  type HardState,
  type Message,
  type MessageType,
  Raft,
  type RaftOptions,
  type Ready,
} from '../index.ts';

export interface LoneOptions extends Partial<RaftOptions> {
  readonly conf?: ConfState;
  readonly hardState?: Partial<HardState>;
  /** Terms of the entries in its log, from index 1. */
  readonly logTerms?: readonly number[];
  /** What chance says: the election timeout is electionTicks plus this. */
  readonly jitter?: (below: number) => number;
}

export class Lone {
  readonly raft: Raft;
  readonly applied: Entry[] = [];

  constructor(options: LoneOptions = {}) {
    const { conf = confOf(['1', '2', '3']), hardState = {}, logTerms = [], jitter, ...raftOptions } = options;
    const entries = logTerms.map((term, i) => entryOf(i + 1, term));
    const log = { snapshotIndex: 0, snapshotTerm: 0, entries };
    const lastTerm = logTerms.at(-1) ?? 0;
    const stored = { term: lastTerm, vote: undefined, commit: 0, ...hardState };
    const random = { int: jitter ?? (() => 0) };
    this.raft = new Raft({ id: '1', ...raftOptions }, { hardState: stored, conf, log }, random);
  }

  step(message: Partial<Message> & { type: MessageType; from: string; term: number }): void {
    const isAnswer = message.type === 'vote-response' || message.type === 'pre-vote-response';
    const known = isAnswer ? { commit: 0, commitTerm: 0 } : {};
    this.raft.step({ to: this.raft.id, ...known, ...message } as Message);
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.raft.tick();
  }

  /** Handles all there is to handle; what it sent in the course. */
  settle(): Message[] {
    const sent: Message[] = [];
    for (let ready = this.raft.ready(); ready !== undefined; ready = this.raft.ready()) {
      sent.push(...ready.messages, ...ready.messagesAfterWrite);
      this.#apply(ready);
    }
    return sent;
  }

  /** Those of one type only. */
  sent<T extends MessageType>(type: T): Extract<Message, { type: T }>[] {
    return this.settle().filter((message): message is Extract<Message, { type: T }> => message.type === type);
  }

  /** Elected by the given others, its first entry not yet acknowledged by anyone else. */
  elected(by: readonly string[] = ['2']): this {
    this.raft.campaign();
    this.settle();
    const { term } = this.raft.status();
    if (this.raft.status().role === 'pre-candidate') {
      for (const from of by) this.step({ type: 'pre-vote-response', from, term: term + 1, granted: true });
      this.settle();
    }
    for (const from of by) {
      this.step({ type: 'vote-response', from, term: this.raft.status().term, granted: true });
    }
    return this;
  }

  /** A follower says that it has everything up to `index`. */
  acknowledge(from: string, index: number): void {
    const { term } = this.raft.status();
    this.step({ type: 'append-response', from, term, index, reject: false, hintIndex: 0, hintTerm: 0 });
  }

  #apply(ready: Ready): void {
    for (const entry of ready.committed) {
      this.applied.push(entry);
      if (entry.type === 'conf-change') this.raft.applyConfChange(entry);
    }
    this.raft.advance(ready);
  }
}

export function entryOf(index: number, term: number, text = ''): Entry {
  return { index, term, type: 'normal', data: new TextEncoder().encode(text) };
}
