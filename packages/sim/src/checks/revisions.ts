import { require } from './violation.ts';

/** One change of one key, and what the key was before it. */
export interface Change {
  readonly key: string;
  /** Undefined: deleted. */
  readonly value: string | undefined;
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: number;
  /** The key as it existed before; undefined: it did not. */
  readonly previous: Change | undefined;
}

/** What a member says about a change: all but `previous`, which is worked out here. */
export type Told = Omit<Change, 'previous'>;

/**
 * The one history of the store: what any member has ever applied, by revision. All members must tell the same
 * (state machine safety), in every life; and each revision must follow from those before it.
 */
export class Revisions {
  readonly #byRevision = new Map<number, readonly Change[]>();
  readonly #byKey = new Map<string, Change[]>();
  readonly #valueAt = new Map<string, number>();
  /** Writes of the value that the key had already: that is what a put that keeps the value does. */
  readonly echoes: Change[] = [];
  #last: number;

  /** `base`: the revision of an empty store, after which all of this begins. */
  constructor(base = 1) {
    this.#last = base;
  }

  get last(): number {
    return this.#last;
  }

  at(revision: number): readonly Change[] {
    return this.#byRevision.get(revision) ?? [];
  }

  has(revision: number): boolean {
    return this.#byRevision.has(revision);
  }

  /** Where a value, which only one request ever wrote, was written. */
  revisionOf(value: string): number | undefined {
    return this.#valueAt.get(value);
  }

  /** Whether the key has ever hung on the lease. */
  hasHung(key: string, lease: number): boolean {
    return (this.#byKey.get(key) ?? []).some((change) => change.lease === lease);
  }

  /** The key as of a revision. */
  get(key: string, revision: number): Change | undefined {
    const history = this.#byKey.get(key) ?? [];
    let low = 0;
    let high = history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((history[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    const change = history[low - 1];
    return change?.value === undefined ? undefined : change;
  }

  /** All that existed in `start <= key < end` (or the one key), in key order. */
  range(start: string, end: string | undefined, revision: number): Change[] {
    const keys = end === undefined ? [start] : [...this.#byKey.keys()].filter((k) => k >= start && k < end);
    return keys
      .toSorted()
      .map((key) => this.get(key, revision))
      .filter((found) => found !== undefined);
  }

  /** All changes of a range in revisions `from..to`. */
  changes(start: string, end: string | undefined, from: number, to: number): Change[] {
    const found: Change[] = [];
    for (let revision = from; revision <= to; revision++) {
      const wanted = this.at(revision).filter(({ key }) =>
        end === undefined ? key === start : key >= start && key < end,
      );
      found.push(...wanted);
    }
    return found;
  }

  /** A member has applied `revision` and it consists of this. True when that is news. */
  tell(node: string, revision: number, told: readonly Told[]): boolean {
    const known = this.#byRevision.get(revision);
    if (known !== undefined) {
      const isSame = describeChanges(known) === describeChanges(told);
      require(isSame, 'state-machine', () =>
        `${node} has at revision ${revision}: ${describeChanges(told)}, others ${describeChanges(known)}`);
      return false;
    }
    require(revision === this.#last + 1, 'state-machine', () =>
      `${node} reached revision ${revision}, nobody had ${this.#last + 1}`);
    this.#last = revision;
    this.#byRevision.set(
      revision,
      told.map((each) => this.#add(each)),
    );
    return true;
  }

  #add(told: Told): Change {
    const { key, value, revision } = told;
    const previous = this.get(key, revision);
    const version = value === undefined ? 0 : (previous?.version ?? 0) + 1;
    const createRevision = value === undefined ? 0 : (previous?.createRevision ?? revision);
    require(told.version === version && told.createRevision === createRevision, 'mvcc', () =>
      `revision ${revision} of ${key}: version ${told.version} created ${told.createRevision}, ` +
      `expected ${version} and ${createRevision}`);
    require(value !== undefined || previous !== undefined, 'mvcc', () =>
      `revision ${revision} deletes ${key}, which did not exist`);
    if (value !== undefined) {
      const before = this.#valueAt.get(value);
      const isEcho = before !== undefined && previous?.value === value;
      require(before === undefined || isEcho, 'applied-twice', () =>
        `${value} was written in revisions ${before} and ${revision}`);
      if (!isEcho) this.#valueAt.set(value, revision);
    }
    const change = { ...told, previous };
    if (value !== undefined && previous?.value === value) this.echoes.push(change);
    const history = this.#byKey.get(key);
    if (history === undefined) this.#byKey.set(key, [change]);
    else history.push(change);
    return change;
  }
}

export function describeChanges(changes: readonly Told[]): string {
  return changes
    .map(({ key, value, version, createRevision, lease }) => {
      const what = value === undefined ? 'deleted' : `= ${value} v${version} c${createRevision}`;
      return `${key} ${what}${lease === 0 ? '' : ` lease ${lease}`}`;
    })
    .join(', ');
}
