import type { Member } from '@kubelab/etcd-lite';
import type { Message } from 'raft-consensus';
import { require } from './violation.ts';

type Raft = Member['raft'];
type Status = ReturnType<Raft['status']>;

interface Seen {
  readonly raft: Raft;
  readonly status: Status;
}

/**
 * Raft's promises (paper, figure 3), checked after every event of a member, and on every message: promises
 * made to others bind over crashes too.
 */
export class RaftSafety {
  /** By term. */
  readonly #leaderOf = new Map<number, string>();
  /** `term/voter` → candidate, of votes that left the voter. */
  readonly #voteOf = new Map<string, string>();
  /** The term of each entry that any member knew to be committed. */
  readonly #committed: number[] = [0];
  readonly #seen = new Map<string, Seen>();
  readonly #names: (id: string) => string;

  constructor(names: (id: string) => string) {
    this.#names = names;
  }

  get leaderCount(): number {
    return this.#leaderOf.size;
  }
  get committedIndex(): number {
    return this.#committed.length - 1;
  }

  check(raft: Raft): void {
    const status = raft.status();
    const before = this.#seen.get(status.id);
    this.#seen.set(status.id, { raft, status });
    if (before?.raft === raft) this.#checkForward(raft, before.status, status);
    const isNewLeader =
      status.role === 'leader' &&
      !(before?.raft === raft && before.status.role === 'leader' && before.status.term === status.term);
    if (isNewLeader) this.#checkLeader(raft, status);
    this.#checkCommitted(raft, status, before?.raft === raft ? before.status.commit : 0);
  }

  /** What a member tells others, it must never go back on. */
  sent(message: Message): void {
    if (message.type === 'vote') this.#voted(message.from, message.from, message.term);
    if (message.type === 'vote-response' && message.granted)
      this.#voted(message.from, message.to, message.term);
  }

  #voted(voter: string, candidate: string, term: number): void {
    const key = `${term}/${voter}`;
    const other = this.#voteOf.get(key) ?? candidate;
    this.#voteOf.set(key, candidate);
    require(other === candidate, 'one-vote', () =>
      `${this.#names(voter)} voted in term ${term} for ${this.#names(other)} and ${this.#names(candidate)}`);
  }

  #checkForward(raft: Raft, before: Status, now: Status): void {
    const name = this.#names(now.id);
    require(now.term >= before.term, 'term-forward', () => `${name}: term ${before.term} → ${now.term}`);
    require(now.commit >= before.commit, 'commit-forward', () =>
      `${name}: commit ${before.commit} → ${now.commit}`);
    require(now.applied >= before.applied, 'applied-forward', () =>
      `${name}: applied ${before.applied} → ${now.applied}`);
    const isLeading = before.role === 'leader' && now.role === 'leader' && before.term === now.term;
    const isCounted = isLeading && now.commit > before.commit;
    require(!isCounted || raft.termAt(now.commit) === now.term, 'own-term-commit', () =>
      `${name} leads term ${now.term} and commits entry ${now.commit} of term ${raft.termAt(now.commit)}`);
    if (isCounted) {
      // What is applied in the same event may have changed who counts.
      const isHeld = this.#isHeld(now.commit, now.term, before.conf.voters);
      require(isHeld || this.#isHeld(now.commit, now.term, now.conf.voters), 'quorum', () =>
        `${name} committed entry ${now.commit}, which no majority of the voters has`);
    }
    require(now.applied <= now.commit, 'applied-forward', () =>
      `${name}: applied ${now.applied} beyond commit ${now.commit}`);
  }

  /** Whether a majority of these has the entry: in its log, or in a snapshot that the log follows. */
  #isHeld(index: number, term: number, voters: readonly string[]): boolean {
    const holders = voters.filter((id) => {
      const raft = this.#seen.get(id)?.raft;
      return raft !== undefined && (raft.termAt(index) === term || raft.status().firstIndex > index);
    });
    return 2 * holders.length > voters.length;
  }

  /** Election safety; leader completeness: whoever leads has all that was committed before. */
  #checkLeader(raft: Raft, status: Status): void {
    const name = this.#names(status.id);
    const other = this.#leaderOf.get(status.term) ?? status.id;
    this.#leaderOf.set(status.term, status.id);
    require(other === status.id, 'one-leader', () =>
      `term ${status.term} is led by ${this.#names(other)} and ${name}`);
    const termMax = Math.max(...[...this.#leaderOf.keys()]);
    // A leader of an earlier term may learn of its victory late, when later ones have gone on.
    if (status.term < termMax) return;
    for (let index = status.firstIndex; index <= this.committedIndex; index++) {
      const term = this.#committed[index];
      if (term === undefined || term >= status.term) continue;
      require(raft.termAt(index) === term, 'leader-completeness', () =>
        `${name} leads term ${status.term} without committed entry ${index} of term ${term}`);
    }
    this.#checkMatching(raft, status);
  }

  /** The new leader's log against everybody's: where two entries agree, all before them do. */
  #checkMatching(raft: Raft, status: Status): void {
    for (const { raft: other, status: theirs } of this.#seen.values()) {
      if (theirs.id === status.id) continue;
      let isEqual = false;
      const from = Math.max(raft.status().firstIndex, other.status().firstIndex);
      const to = Math.min(raft.status().lastIndex, other.status().lastIndex);
      for (let index = to; index >= from; index--) {
        const matches = raft.termAt(index) === other.termAt(index);
        require(matches || !isEqual, 'log-matching', () =>
          `${this.#names(status.id)} and ${this.#names(theirs.id)} differ at ${index}, and agree after it`);
        isEqual = matches;
      }
    }
  }

  #checkCommitted(raft: Raft, status: Status, from: number): void {
    const name = this.#names(status.id);
    for (let index = Math.max(from + 1, status.firstIndex); index <= status.commit; index++) {
      const term = raft.termAt(index);
      if (term === undefined) continue;
      const known = (this.#committed[index] ??= term);
      require(known === term, 'committed-forever', () =>
        `${name} holds entry ${index} of term ${term} committed, it was of term ${known}`);
    }
  }
}
