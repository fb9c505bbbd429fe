import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Received, SeenEvent } from '../clients/received.ts';
import { Revisions } from './revisions.ts';
import { WatchCheck } from './watch-check.ts';

const REVISIONS: readonly (readonly [key: string, value: string | undefined][])[] = [
  [['a', '1']],
  [['b', '1']],
  [
    ['a', '2'],
    ['c', '2'],
  ],
  [['a', undefined]],
  [['z', '5']],
  [['a', '6']],
];

/** Revisions 2 to 7. */
function history(): Revisions {
  const revisions = new Revisions();
  for (const [i, changes] of REVISIONS.entries()) {
    const revision = i + 2;
    const told = changes.map(([key, value]) => {
      const before = revisions.get(key, revision);
      const isPut = value !== undefined;
      return {
        key,
        // Values are unique in a history.
        value: isPut ? `${key}${value}` : undefined,
        revision,
        createRevision: isPut ? (before?.createRevision ?? revision) : 0,
        version: isPut ? (before?.version ?? 0) + 1 : 0,
        lease: 0,
      };
    });
    revisions.tell('n1', revision, told);
  }
  return revisions;
}

const truth = history();
/** The true events of `a..d` at a revision. */
const at = (revision: number): SeenEvent[] =>
  truth.changes('a', 'd', revision, revision).map(({ previous, ...change }) => ({
    ...change,
    previous:
      previous &&
      `${previous.key}=${previous.value} m${previous.revision} c${previous.createRevision} v${previous.version}`,
  }));
const events = (...list: SeenEvent[][]): Received => ({
  type: 'events',
  revision: 7,
  events: list.flat(),
  compactRevision: 0,
});
const notice = (type: Received['type'], revision: number, compactRevision = 0): Received => ({
  type,
  revision,
  events: [],
  compactRevision,
});
const changed = (revision: number, change: Partial<SeenEvent>): SeenEvent[] =>
  at(revision).map((event) => ({ ...event, ...change }));

/** Name (after the guarantee), what a watch of `a..d` from 2 on was told, what the check says. */
const cases: readonly [string, readonly Received[], RegExp | undefined][] = [
  [
    'everything, once, in order',
    [notice('created', 7), events(at(2), at(3), at(4)), events(at(5), at(7))],
    undefined,
  ],
  [
    'a notice of progress between events',
    [events(at(2)), notice('progress', 2), events(at(3), at(4))],
    undefined,
  ],
  ['ordered: a later revision comes first', [events(at(3)), events(at(2))], /watch: /],
  ['unique: an event comes twice', [events(at(2)), events(at(2), at(3))], /watch: /],
  ['unique: an event comes twice in one response', [events(at(2), at(2))], /watch: /],
  [
    'atomic: a revision is split',
    [events(at(2), at(3), at(4).slice(0, 1)), events(at(4).slice(1))],
    /watch: /,
  ],
  ['reliable: an event is missing', [events(at(2), at(4))], /watch: /],
  ['reliable: the deletion is missing', [events(at(2), at(3), at(4)), events(at(7))], /watch: /],
  ['bookmarkable: progress overtakes an event', [events(at(2)), notice('progress', 4)], /watch: /],
  [
    'bookmarkable: an event comes again after progress',
    [events(at(2)), notice('progress', 2), events(at(2))],
    /watch: /,
  ],
  ['filtered: an event of another range', [events(at(2), changed(3, { key: 'z' }))], /watch: /],
  ['the value is another one', [events(changed(2, { value: 'x' }))], /watch: /],
  ['is-create: a new key is said to be old', [events(changed(2, { createRevision: 1 }))], /watch: /],
  ['the version is another one', [events(changed(2, { version: 2 }))], /watch: /],
  [
    'a deletion is told as a put',
    [events(at(2), at(3), at(4)), events(changed(5, { value: '' }))],
    /watch: /,
  ],
  [
    'previous: another pair',
    [events(at(2), at(3)), events(changed(4, { previous: 'a=x m2 c2 v1' }))],
    /watch-previous/,
  ],
  ['previous: none', [events(at(2), at(3)), events(changed(4, { previous: undefined }))], /watch-previous/],
  ['resumable: told of a compaction behind us', [events(at(2)), notice('compacted', 7, 2)], /watch-cancel/],
  ['cancelled for no reason', [notice('cancelled', 7)], /watch-cancel/],
  [
    'after a compaction ahead of us it goes on there',
    [events(at(2)), notice('compacted', 7, 4), events(at(4), at(5))],
    undefined,
  ],
];

describe('the watch check', () => {
  for (const [name, received, wrong] of cases) {
    test(name, () => {
      const check = checkFrom(2);
      const take = (): void => {
        for (const each of received) check.take(each);
      };
      if (wrong === undefined) take();
      else assert.throws(take, wrong);
    });
  }

  test('resumable: nothing from before the start, even if that lay in the future', () => {
    assert.throws(() => checkFrom(5).take(events(at(4))), /watch: /);
    assert.throws(() => checkFrom(5).take(events(at(4), at(5))), /watch: /);
    checkFrom(5).take(events(at(5)));
  });

  test('a watch that is not told the end is not current', () => {
    const check = checkFrom(2);
    check.take(events(at(2), at(3), at(4), at(5)));
    assert.equal(check.isCurrent(), false);
    check.take(notice('progress', 6));
    assert.equal(check.isCurrent(), false);
    check.take(events(at(7)));
    assert.equal(check.isCurrent(), true);
  });
});

function checkFrom(next: number): WatchCheck {
  const revisions = truth;
  const range = { name: 'w', start: 'a', end: 'd', hasPrevKv: true };
  return new WatchCheck({ ...range, next, revisions, compactedMax: () => 0 });
}
