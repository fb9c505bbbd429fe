import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressStatus } from 'raft-consensus';
import { heirOf } from './handover.ts';

const follows: ProgressStatus = {
  match: 90,
  next: 91,
  state: 'replicate',
  isLearner: false,
  isRecentlyActive: true,
  isPaused: false,
  pendingSnapshot: 0,
  inflightMessages: 0,
};

function heir(
  progress: Readonly<Record<string, Partial<ProgressStatus>>>,
  sinceMs: Readonly<Record<string, number>>,
): string | undefined {
  const whole = Object.fromEntries(Object.entries(progress).map(([id, own]) => [id, { ...follows, ...own }]));
  const conf = {
    voters: ['a', 'b', 'c'],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  return heirOf({ id: 'a', conf, progress: whole }, (id) => sinceMs[id]);
}

test('the heir is the one connected for longest, though another has one entry more', () => {
  assert.equal(heir({ a: {}, b: { match: 91 }, c: {} }, { b: 2000, c: 1000 }), 'c');
  assert.equal(heir({ a: {}, b: {}, c: { match: 91 } }, { b: 1000, c: 2000 }), 'b');
});

test('one that does not keep up inherits only where no other can', () => {
  assert.equal(heir({ a: {}, b: { state: 'snapshot', match: 0 }, c: {} }, { b: 1000, c: 2000 }), 'c');
  assert.equal(heir({ a: {}, b: { state: 'probe' }, c: { isRecentlyActive: false } }, { b: 1000 }), 'b');
});

test('nobody inherits who is silent, a learner, or the leader itself', () => {
  const silent = { isRecentlyActive: false };
  assert.equal(
    heir({ a: {}, b: silent, c: silent, d: { isLearner: true } }, { b: 1, c: 2, d: 3 }),
    undefined,
  );
});

test('with no connection known the one that is furthest', () => {
  assert.equal(heir({ a: {}, b: {}, c: { match: 91 } }, {}), 'c');
});
