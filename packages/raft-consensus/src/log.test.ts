import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RaftLog } from './log.ts';
import { confOf, type Entry, emptyHardState } from './types.ts';

/** A log whose entry i has the i-th of the terms. */
function logOf(terms: readonly number[], snapshotIndex = 0, snapshotTerm = 0): RaftLog {
  const entries = terms.map((term, i) => entryOf(snapshotIndex + 1 + i, term));
  const log = { snapshotIndex, snapshotTerm, entries };
  return new RaftLog({ hardState: emptyHardState, conf: confOf(['1']), log });
}

function entryOf(index: number, term: number, bytes = 1): Entry {
  return { index, term, type: 'normal', data: new Uint8Array(bytes) };
}

const upToDate: [string, number, number, boolean][] = [
  ['a later last term wins, however short', 1, 4, true],
  ['the same last term and length is enough', 3, 3, true],
  ['the same last term, longer', 4, 3, true],
  ['the same last term, shorter', 2, 3, false],
  ['an earlier last term, however long', 9, 2, false],
];
for (const [name, index, term, want] of upToDate) {
  test(`§5.4.1 up to date: ${name}`, () => assert.equal(logOf([1, 2, 3]).isUpToDate(index, term), want));
}

const conflicts: [string, number[], number[], number, number[]][] = [
  ['what is there already stays, with all that follows it', [1, 1, 2], [1], 1, [1, 1, 2]],
  ['what is new is added', [1, 1], [2, 2], 2, [1, 1, 2, 2]],
  ['a conflicting tail is cut off', [1, 1, 2, 2], [3], 2, [1, 1, 3]],
  ['nothing sent, nothing changed', [1, 1, 2], [], 1, [1, 1, 2]],
];
for (const [name, before, sent, prev, want] of conflicts) {
  test(`RAFT-7 following a leader: ${name}`, () => {
    const log = logOf(before);
    const matched = log.follow(
      prev,
      sent.map((term, i) => entryOf(prev + 1 + i, term)),
    );
    assert.equal(matched, prev + sent.length);
    assert.deepEqual(
      log.slice(1, log.lastIndex).map((entry) => entry.term),
      want,
    );
  });
}

test('RAFT-7 a committed entry is never cut off', () => {
  const log = logOf([1, 1, 1]);
  log.commitTo(2);
  assert.throws(() => log.follow(1, [entryOf(2, 3)]), /RAFT-7/);
});

test('RAFT-5 commit goes forward only, and not beyond the log', () => {
  const log = logOf([1, 1, 1]);
  log.commitTo(2);
  log.commitTo(1);
  assert.equal(log.commit, 2);
  assert.throws(() => log.commitTo(4), /RAFT-5/);
});

test('RAFT-6 committed entries are handed out once, in order, in pages', () => {
  const log = logOf([1, 1, 1, 1]);
  log.commitTo(4);
  const pages = [log.takeCommitted(2), log.takeCommitted(2), log.takeCommitted(2)];
  assert.deepEqual(
    pages.map((page) => page.map((entry) => entry.index)),
    [[1, 2], [3, 4], []],
  );
  log.appliedTo(2);
  assert.throws(() => log.appliedTo(1), /RAFT-6/);
  assert.throws(() => log.compact(3), /RAFT-6/);
});

test('RAFT-8 a write that a truncation overtook acknowledges only what is left of it', () => {
  const log = logOf([1]);
  log.append([entryOf(2, 1), entryOf(3, 1)]);
  const old = log.takeUnwritten().write;
  log.follow(1, [entryOf(2, 2)]);
  const young = log.takeUnwritten();
  log.written(old);
  assert.equal(log.stable, 1);
  log.written(young.write);
  assert.equal(log.stable, 2);
});

test('RAFT-12 writes are acknowledged in order', () => {
  const log = logOf([1]);
  log.takeUnwritten();
  const second = log.takeUnwritten().write;
  assert.throws(() => log.written(second), /RAFT-12/);
});

const hints: [string, number[], number, number, { index: number; term: number }][] = [
  ['skips its own later terms', [1, 3, 3, 4, 4, 5], 6, 3, { index: 3, term: 3 }],
  ['stays where it fits', [1, 1, 2, 2], 4, 5, { index: 4, term: 2 }],
  ['goes to the beginning', [5, 5, 5], 3, 2, { index: 0, term: 0 }],
  ['takes no more than it has', [1, 1], 9, 1, { index: 2, term: 1 }],
];
for (const [name, terms, index, term, want] of hints) {
  test(`the conflict hint ${name}`, () =>
    assert.deepEqual(logOf(terms).lastAtOrBelowTerm(index, term), want));
}

test('a compacted log knows the term at its edge and nothing before it', () => {
  const log = logOf([1, 2, 3, 3]);
  log.commitTo(4);
  log.takeCommitted(100);
  log.appliedTo(4);
  log.compact(2);
  assert.equal(log.firstIndex, 3);
  assert.deepEqual(
    [log.termAt(1), log.termAt(2), log.termAt(3), log.termAt(5)],
    [undefined, 2, 3, undefined],
  );
  assert.throws(() => log.slice(2, 3), /RAFT-7/);
});

test('a slice takes at least one entry, then as many as fit', () => {
  const log = logOf([]);
  log.append([entryOf(1, 1, 50), entryOf(2, 1, 5), entryOf(3, 1, 5)]);
  assert.equal(log.slice(1, 3, 10).length, 1);
  assert.equal(log.slice(2, 3, 10).length, 2);
  assert.equal(log.slice(2, 3, 9).length, 1);
});
