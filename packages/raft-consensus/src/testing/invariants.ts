/**
 * Raft's promises over a whole cluster (Raft §5, figure 3), checked against everything that was ever
 * written or applied anywhere, in this life of a member or an earlier one.
 */
import { assert } from '../assert.ts';
import type { Entry, NodeId, Ready, Status } from '../index.ts';
import type { Member } from './member.ts';

interface Watched {
  raft: Member['raft'];
  status: Status;
  /** The member's log as it was handed out, by index (compacted entries included). */
  log: Map<number, Entry>;
}

export class Invariants {
  readonly #leaderOf = new Map<number, NodeId>();
  /** By `index/term`: what the entry says, and the term before it. */
  readonly #known = new Map<string, { text: string; prevTerm: number }>();
  /**
   * What any state machine ever applied, by index. It was committed in `byTerm` or earlier: the term of who
   * applied it first.
   */
  readonly applied = new Map<number, { term: number; text: string; byTerm: number }>();
  readonly #watched = new Map<NodeId, Watched>();
  readonly #readFloors = new Map<string, number>();
  appliedMax = 0;

  /** After anything that happened to a member. */
  check(member: Member): void {
    if (!member.isUp) return;
    const status = member.raft.status();
    const before = this.#watched.get(member.id);
    if (before !== undefined && before.raft === member.raft) this.#checkForward(before.status, status);
    const log = before?.log ?? new Map<number, Entry>();
    this.#watched.set(member.id, { raft: member.raft, status, log });
    if (status.role === 'leader') this.#checkLeader(status, before?.status);
    assert(status.uncommittedBytes >= 0, 'RAFT-13', 'uncommitted bytes below zero');
  }

  /** A Ready was handed out: its entries are now the member's log. */
  checkTaken(member: Member, ready: Ready): void {
    const log = this.#watched.get(member.id)?.log ?? new Map<number, Entry>();
    if (ready.snapshot !== undefined) log.clear();
    const first = ready.entries[0];
    if (first !== undefined) for (let i = first.index; log.delete(i); i++);
    for (const entry of ready.entries) {
      this.#checkMatching(entry, log.get(entry.index - 1)?.term);
      log.set(entry.index, entry);
    }
  }

  /** State machine safety: no two members ever apply different entries at the same index; none skips one. */
  checkApplied(member: Member): void {
    for (let at = member.history.length - 1; at >= 0; at--) {
      const entry = member.history[at];
      if (entry === undefined) break;
      assert(entry.index === at + 1, 'RAFT-6', `${member.id} applied ${entry.index} as number ${at + 1}`);
      const text = textOf(entry);
      const other = this.applied.get(entry.index);
      if (other === undefined) {
        const byTerm = member.raft.status().term;
        this.applied.set(entry.index, { term: entry.term, text, byTerm });
        this.appliedMax = Math.max(this.appliedMax, entry.index);
        this.#checkLeadersHave(entry, byTerm);
        continue;
      }
      assert(
        other.term === entry.term && other.text === text,
        'RAFT-15',
        `${member.id} applied ${entry.index}/${entry.term} ${text}, another ${other.term} ${other.text}`,
      );
      break; // what lies before was checked when it was applied
    }
  }

  /** A read begins: it must see all that anybody has applied by now. */
  readAsked(context: string): void {
    this.#readFloors.set(context, this.appliedMax);
  }

  checkReads(member: Member): void {
    for (const { index, context } of member.reads.splice(0)) {
      const floor = this.#readFloors.get(context) ?? 0;
      assert(
        index >= floor,
        'RAFT-9',
        `read ${context} at ${member.id} got ${index}, but ${floor} was applied before`,
      );
    }
  }

  /** After a crash the log is what the disk has. */
  restarted(member: Member): void {
    const log = new Map(member.storedEntries.map((entry) => [entry.index, entry] as const));
    this.#watched.set(member.id, { raft: member.raft, status: member.raft.status(), log });
  }

  #checkForward(before: Status, now: Status): void {
    assert(now.term >= before.term, 'RAFT-2', `${now.id}: term ${before.term} → ${now.term}`);
    assert(now.commit >= before.commit, 'RAFT-5', `${now.id}: commit ${before.commit} → ${now.commit}`);
    assert(now.applied >= before.applied, 'RAFT-6', `${now.id}: applied ${before.applied} → ${now.applied}`);
    assert(
      now.term !== before.term || before.vote === undefined || before.vote === now.vote,
      'RAFT-1',
      `${now.id} changed its vote in term ${now.term}`,
    );
    const isStillLeader = before.role === 'leader' && now.role === 'leader' && before.term === now.term;
    if (isStillLeader) assert(now.lastIndex >= before.lastIndex, 'RAFT-3', `leader ${now.id} cut its log`);
  }

  /** Election safety and leader completeness. */
  #checkLeader(status: Status, before: Status | undefined): void {
    const known = this.#leaderOf.get(status.term);
    assert(
      known === undefined || known === status.id,
      'RAFT-1',
      `term ${status.term} has leaders ${known} and ${status.id}`,
    );
    this.#leaderOf.set(status.term, status.id);
    if (before?.role === 'leader' && before.term === status.term) return;
    const log = this.#watched.get(status.id)?.log;
    for (let index = status.firstIndex; index <= this.appliedMax; index++) {
      const { term, byTerm } = this.applied.get(index) ?? { term: 0, byTerm: status.term };
      if (byTerm >= status.term) continue;
      const own = log?.get(index)?.term;
      assert(
        own === term,
        'RAFT-16',
        `leader ${status.id} of term ${status.term} lacks ${index}/${term}, has ${own}`,
      );
    }
  }

  /** Leader completeness from the other side: who leads a later term has what is found to be committed. */
  #checkLeadersHave(entry: Entry, byTerm: number): void {
    for (const { status, log } of this.#watched.values()) {
      if (status.role !== 'leader' || status.term <= byTerm || entry.index < status.firstIndex) continue;
      const own = log.get(entry.index)?.term;
      assert(
        own === entry.term,
        'RAFT-16',
        `leader ${status.id} of term ${status.term} lacks ${entry.index}/${entry.term}`,
      );
    }
  }

  /**
   * Log matching, by induction: the same index and term always means the same content after the same term.
   */
  #checkMatching(entry: Entry, prevTerm: number | undefined): void {
    const key = `${entry.index}/${entry.term}`;
    const text = textOf(entry);
    const known = this.#known.get(key);
    if (known === undefined) {
      if (prevTerm !== undefined) this.#known.set(key, { text, prevTerm });
      return;
    }
    assert(known.text === text, 'RAFT-7', `two entries ${key}: ${known.text} and ${text}`);
    assert(
      prevTerm === undefined || known.prevTerm === prevTerm,
      'RAFT-7',
      `${key} follows terms ${known.prevTerm} and ${prevTerm}`,
    );
  }
}

function textOf(entry: Entry): string {
  return `${entry.type} ${new TextDecoder().decode(entry.data)}`;
}
