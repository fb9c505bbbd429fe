/**
 * A whole member in memory: the core, a disk that forgets what was not written, and a state machine that
 * remembers what it applied. It is also the smallest driver there is: take → persist → apply, each a step
 * of its own, so that tests can put crashes and other members' steps in between.
 */
import { assert } from '../assert.ts';
import {
  type ConfState,
  type Entry,
  emptyHardState,
  type HardState,
  type Message,
  type NodeId,
  Raft,
  type RaftOptions,
  type Random,
  type Ready,
  type Snapshot,
} from '../index.ts';
import { describeConf } from './describe.ts';

interface Disk {
  hardState: HardState;
  /** The last entry that is no longer in the stored log. */
  logStart: { index: number; term: number };
  entries: Entry[];
  /** The application's own snapshot, at or after `logStart`. */
  snapshot: { index: number; conf: ConfState; history: readonly Entry[] };
}

export interface MemberOptions {
  readonly raft: RaftOptions;
  readonly conf: ConfState;
  readonly random: Random;
}

export class Member {
  readonly id: NodeId;
  readonly #options: MemberOptions;
  readonly #disk: Disk;
  raft: Raft;
  isUp = true;
  /** The state machine: all it ever applied, in order. */
  history: Entry[] = [];
  conf: ConfState;
  /** Reads answered since the last look. */
  reads: { index: number; context: string }[] = [];
  #taken: Ready[] = [];
  #written: Ready[] = [];

  constructor(options: MemberOptions) {
    this.id = options.raft.id;
    this.#options = options;
    this.conf = options.conf;
    this.#disk = {
      hardState: emptyHardState,
      logStart: { index: 0, term: 0 },
      entries: [],
      snapshot: { index: 0, conf: options.conf, history: [] },
    };
    this.raft = this.#boot();
  }

  get applied(): number {
    return this.history.at(-1)?.index ?? 0;
  }

  get hardState(): HardState {
    return this.#disk.hardState;
  }

  get storedEntries(): readonly Entry[] {
    return this.#disk.entries;
  }

  hasUnwritten(): boolean {
    return this.#taken.length > 0;
  }

  hasUnapplied(): boolean {
    return this.#written.length > 0;
  }

  /** Step 1 of a driver: what may leave at once does. */
  take(): { ready: Ready; messages: Message[] } | undefined {
    const ready = this.raft.ready();
    if (ready === undefined) return undefined;
    this.#taken.push(ready);
    return { ready, messages: ready.messages.map((message) => this.#withState(message)) };
  }

  /** Steps 2 and 3: the oldest Ready goes to disk, then its promises leave. */
  persist(): readonly Message[] {
    const ready = this.#taken.shift();
    if (ready === undefined) return [];
    this.#write(ready);
    this.#written.push(ready);
    this.raft.persisted(ready);
    return ready.messagesAfterWrite;
  }

  /** Steps 4 and 5: the oldest written Ready goes to the state machine. */
  apply(): Ready | undefined {
    const ready = this.#written.shift();
    if (ready === undefined) return undefined;
    if (ready.snapshot !== undefined) {
      this.history = decodeHistory(ready.snapshot);
      this.conf = ready.snapshot.metadata.conf;
    }
    for (const entry of ready.committed) {
      this.history.push(entry);
      if (entry.type === 'conf-change') this.conf = this.raft.applyConfChange(entry);
    }
    this.reads.push(...ready.reads);
    this.raft.advance(ready);
    return ready;
  }

  /** The application snapshots what it has applied, then drops the log up to `index`. */
  compact(index: number): void {
    const disk = this.#disk;
    const term = disk.entries.find((entry) => entry.index === index)?.term;
    if (term === undefined || index > this.applied) return;
    disk.snapshot = { index: this.applied, conf: this.conf, history: [...this.history] };
    disk.entries = disk.entries.filter((entry) => entry.index > index);
    disk.logStart = { index, term };
    this.raft.compact(index);
  }

  /**
   * Everything not on disk is gone. Of a write under way, the first `tornEntries` entries made it, the hard
   * state did not.
   */
  crash(tornEntries = 0): void {
    const torn = this.#taken[0];
    if (torn !== undefined && torn.snapshot === undefined) this.#store(torn.entries.slice(0, tornEntries));
    this.isUp = false;
    this.#taken = [];
    this.#written = [];
    this.reads = [];
  }

  restart(): void {
    this.isUp = true;
    this.history = [...this.#disk.snapshot.history];
    this.conf = this.#disk.snapshot.conf;
    this.raft = this.#boot();
  }

  /** A snapshot of the state as it is now, for whoever needs it. */
  snapshot(): Snapshot {
    const metadata = { index: this.applied, term: this.history.at(-1)?.term ?? 0, conf: this.conf };
    return { metadata, data: encodeHistory(this.history) };
  }

  #boot(): Raft {
    const { hardState, logStart, entries, snapshot } = this.#disk;
    const log = { snapshotIndex: logStart.index, snapshotTerm: logStart.term, entries };
    const initial = { hardState, conf: snapshot.conf, applied: snapshot.index, log };
    return new Raft(this.#options.raft, initial, this.#options.random);
  }

  #write(ready: Ready): void {
    const disk = this.#disk;
    if (ready.snapshot !== undefined) {
      const { index, term, conf } = ready.snapshot.metadata;
      disk.snapshot = { index, conf, history: decodeHistory(ready.snapshot) };
      disk.logStart = { index, term };
      disk.entries = [];
    }
    this.#store(ready.entries);
    disk.hardState = ready.hardState ?? disk.hardState;
  }

  #store(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const disk = this.#disk;
    disk.entries.length = Math.min(disk.entries.length, first.index - disk.logStart.index - 1);
    disk.entries.push(...entries);
  }

  #withState(message: Message): Message {
    if (message.type !== 'snapshot') return message;
    const { index, conf } = message.snapshot.metadata;
    const isSame = index !== this.applied || describeConf(conf) === describeConf(this.conf);
    assert(isSame, 'RAFT-14', `snapshot ${index} says ${describeConf(conf)} for ${describeConf(this.conf)}`);
    return { ...message, snapshot: this.snapshot() };
  }
}

function encodeHistory(history: readonly Entry[]): Uint8Array {
  const plain = history.map((entry) => ({ ...entry, data: new TextDecoder().decode(entry.data) }));
  return new TextEncoder().encode(JSON.stringify(plain));
}

function decodeHistory(snapshot: Snapshot): Entry[] {
  const plain = JSON.parse(new TextDecoder().decode(snapshot.data)) as (Omit<Entry, 'data'> & {
    data: string;
  })[];
  return plain.map((entry) => ({ ...entry, data: new TextEncoder().encode(entry.data) }));
}
