import type { Revisions, Told } from '../checks/revisions.ts';
import { require } from '../checks/violation.ts';
import type { Received } from '../clients/received.ts';

/**
 * The history of the store as its members tell it: each is watched from the first revision on, over all its
 * lives, and what they say goes into the one history, which checks that they say the same.
 */
export class Chronicle {
  readonly #base: number;
  readonly #byMember = new Map<string, Map<number, Told[]>>();
  /** Where a member had to start anew: at a compacted revision only what is still there can be told. */
  readonly #partial = new Set<string>();
  /** When a revision was first heard of, by the clock of the clients. */
  readonly #heardMs = new Map<number, number>();

  /** `base`: the revision at which the store was empty. */
  constructor(base: number) {
    this.#base = base;
  }

  heard(member: string, { type, events, compactRevision }: Received, nowMs: number): void {
    if (type === 'compacted') this.#partial.add(`${member}/${compactRevision}`);
    if (type !== 'events') return;
    const revisions = this.#byMember.get(member) ?? new Map<number, Told[]>();
    this.#byMember.set(member, revisions);
    for (const { previous: _, ...told } of events) {
      const { revision } = told;
      if (this.#partial.has(`${member}/${revision}`)) continue;
      const list = revisions.get(revision);
      if (list === undefined) revisions.set(revision, [told]);
      else list.push(told);
      if (!this.#heardMs.has(revision)) this.#heardMs.set(revision, nowMs);
    }
  }

  heardMs(revision: number): number {
    return this.#heardMs.get(revision) ?? Infinity;
  }

  /** The last revision up to `max` that changes something in a range; 0: none. */
  lastChange({ start, end }: { start: string; end: string | undefined }, max: number): number {
    let last = 0;
    for (const revisions of this.#byMember.values())
      for (const [revision, told] of revisions)
        if (revision > last && revision <= max && told.some(({ key }) => isIn(key, start, end)))
          last = revision;
    return last;
  }

  /** Tells `into` all revisions up to `last`. Throws `Violation` where nobody has heard of one, or accounts differ. */
  write(into: Revisions, last: number): void {
    for (let revision = this.#base + 1; revision <= last; revision++) {
      for (const [member, revisions] of this.#byMember) {
        const told = revisions.get(revision);
        // One that was away while the history was compacted may lack it.
        if (told !== undefined) into.tell(member, revision, told);
      }
      require(into.last === revision, 'state-machine', () => `no member tells of revision ${revision}`);
    }
  }
}

function isIn(key: string, start: string, end: string | undefined): boolean {
  return end === undefined ? key === start : key >= start && key < end;
}
