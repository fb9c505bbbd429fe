/**
 * The book of Readies: gathers effects into one, and takes the driver's acknowledgements in order (RAFT-12).
 * Several may be out at once; see `Ready` for what the driver promises.
 */
import { assert } from './assert.ts';
import type { Core } from './core.ts';
import { recordVote } from './election.ts';
import { flush, ownLogWritten } from './leader.ts';
import { leaveJointWhenDue } from './leader-conf.ts';
import type { LogWrite } from './log.ts';
import type { HardState, Ready, SoftState } from './types.ts';

interface Outstanding {
  readonly ready: Ready;
  readonly write: LogWrite;
  /** The term in which this write makes our own vote durable; undefined if it carries none. */
  readonly ownVoteTerm: number | undefined;
  /** What `applied` becomes with `advance`; undefined if nothing is applied. */
  readonly appliedIndex: number | undefined;
}

export class Readies {
  readonly #core: Core;
  #hardState: HardState;
  #softState: SoftState;
  /** In the order they were handed out; `#written` of them are persisted. */
  readonly #outstanding: Outstanding[] = [];
  #writtenCount = 0;

  constructor(core: Core, hardState: HardState) {
    this.#core = core;
    this.#hardState = hardState;
    this.#softState = { role: core.role, leader: core.leader };
  }

  hasReady(): boolean {
    const core = this.#core;
    const { log } = core;
    flush(core);
    return (
      core.messages.length > 0 ||
      core.messagesAfterWrite.length > 0 ||
      core.reads.length > 0 ||
      log.offered < log.lastIndex ||
      log.applying < log.commit ||
      log.pendingSnapshot !== undefined ||
      this.#isHardStateNew() ||
      this.#isSoftStateNew()
    );
  }

  take(): Ready | undefined {
    if (!this.hasReady()) return undefined;
    const core = this.#core;
    const { log } = core;
    const { entries, write } = log.takeUnwritten();
    const snapshot = log.pendingSnapshot;
    log.pendingSnapshot = undefined;
    const before = this.#hardState;
    const isPromiseNew = core.term !== before.term || core.vote !== before.vote;
    // Always the same keys: where some are there only sometimes, V8 takes twenty times as long, twice for each put.
    const ready: Ready = {
      mustSync: isPromiseNew || entries.length > 0 || snapshot !== undefined,
      softState: this.#isSoftStateNew() ? { role: core.role, leader: core.leader } : undefined,
      hardState: this.#isHardStateNew()
        ? { term: core.term, vote: core.vote, commit: log.commit }
        : undefined,
      snapshot,
      entries,
      messages: core.messages,
      messagesAfterWrite: core.messagesAfterWrite,
      committed: log.takeCommitted(core.config.committedBytesMax),
      reads: core.reads,
    };
    this.#hardState = ready.hardState ?? this.#hardState;
    this.#softState = ready.softState ?? this.#softState;
    this.#outstanding.push({
      ready,
      write,
      ownVoteTerm: core.isOwnVoteUnwritten ? core.term : undefined,
      appliedIndex: ready.committed.at(-1)?.index ?? snapshot?.metadata.index,
    });
    core.isOwnVoteUnwritten = false;
    core.messages = [];
    core.messagesAfterWrite = [];
    core.reads = [];
    return ready;
  }

  persisted(ready: Ready): void {
    const core = this.#core;
    const outstanding = this.#outstanding[this.#writtenCount];
    assert(outstanding?.ready === ready, 'RAFT-12', 'Readies must be persisted in the order they were taken');
    this.#writtenCount++;
    core.log.written(outstanding.write);
    if (outstanding.ownVoteTerm === core.term && core.role === 'candidate') recordVote(core, core.id, true);
    if (core.role === 'leader') ownLogWritten(core);
  }

  advance(ready: Ready): void {
    assert(
      this.#outstanding[0]?.ready === ready,
      'RAFT-12',
      'Readies must be advanced in the order they were taken',
    );
    if (this.#writtenCount === 0) this.persisted(ready);
    this.#writtenCount--;
    const appliedIndex = this.#outstanding.shift()?.appliedIndex;
    if (appliedIndex === undefined) return;
    const core = this.#core;
    core.log.appliedTo(appliedIndex);
    core.appliedConf = core.conf;
    if (core.role === 'leader') leaveJointWhenDue(core);
  }

  #isHardStateNew(): boolean {
    const { term, vote, commit } = this.#hardState;
    return this.#core.term !== term || this.#core.vote !== vote || this.#core.log.commit !== commit;
  }

  #isSoftStateNew(): boolean {
    return this.#core.role !== this.#softState.role || this.#core.leader !== this.#softState.leader;
  }
}
