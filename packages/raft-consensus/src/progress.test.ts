import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inflights, Progress } from './progress.ts';

const limits = { messagesMax: 3, bytesMax: 100 };

test('RAFT-11 a window is full by messages or by bytes, and a full one takes no more', () => {
  const byCount = new Inflights(limits);
  for (const index of [1, 2, 3]) byCount.add(index, 1);
  assert.ok(byCount.isFull());
  assert.throws(() => byCount.add(4, 1), /RAFT-11/);
  byCount.freeTo(2);
  assert.equal(byCount.count, 1);
  const byBytes = new Inflights(limits);
  byBytes.add(1, 100);
  assert.ok(byBytes.isFull());
  byBytes.freeTo(1);
  assert.ok(!byBytes.isFull());
});

test('a long stream through the window keeps its count', () => {
  const window = new Inflights(limits);
  for (let index = 1; index <= 1000; index++) {
    window.add(index, 10);
    if (index > 2) window.freeTo(index - 2);
  }
  assert.equal(window.count, 2);
});

test('a probing member is sent one append at a time', () => {
  const progress = new Progress(0, 5, limits);
  progress.sentEntries(3, 30);
  assert.ok(progress.isPaused());
  assert.equal(progress.next, 5);
  assert.ok(progress.updateTo(7));
  assert.ok(!progress.isPaused());
  assert.equal(progress.next, 8);
});

test('a replicating member is sent ahead of its answers until the window is full', () => {
  const progress = new Progress(4, 5, limits);
  progress.becomeReplicate();
  for (let i = 0; i < 3; i++) {
    assert.ok(!progress.isPaused());
    progress.sentEntries(1, 10);
  }
  assert.ok(progress.isPaused());
  assert.equal(progress.next, 8);
});

const retreats: [string, () => Progress, number, number, boolean, number][] = [
  ['a probe goes back to the hint', () => new Progress(2, 10, limits), 9, 5, true, 6],
  ['a probe never goes below match', () => new Progress(4, 10, limits), 9, 1, true, 5],
  ['an answer to an earlier probe is void', () => new Progress(2, 10, limits), 7, 5, false, 10],
  ['a hint beyond the refusal does not go forward', () => new Progress(0, 5, limits), 4, 9, true, 4],
  ['a stream goes back to match', () => streaming(3, 9), 6, 5, true, 4],
  ['a stream ignores refusals of what has matched since', () => streaming(6, 9), 6, 5, false, 9],
];

for (const [name, make, rejected, hint, wantNews, wantNext] of retreats) {
  test(`retreat: ${name}`, () => {
    const progress = make();
    assert.equal(progress.retreat(rejected, hint), wantNews);
    assert.equal(progress.next, wantNext);
  });
}

test('after a delivered snapshot probing goes on behind it, after a lost one where it was', () => {
  const delivered = new Progress(2, 3, limits);
  delivered.becomeSnapshot(20);
  assert.ok(delivered.isPaused());
  delivered.becomeProbe();
  assert.equal(delivered.next, 21);
  const lost = new Progress(2, 3, limits);
  lost.becomeSnapshot(20);
  lost.pendingSnapshot = 0;
  lost.becomeProbe();
  assert.equal(lost.next, 3);
});

function streaming(match: number, next: number): Progress {
  const progress = new Progress(match, next, limits);
  progress.becomeReplicate();
  progress.next = next;
  return progress;
}
