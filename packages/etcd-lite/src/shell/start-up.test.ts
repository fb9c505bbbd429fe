import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { confOf } from 'raft-consensus';
import type { WireEntry } from '../wire.ts';
import { initialState } from './start-up.ts';

const conf = confOf(['a', 'b', 'c']);
const first = { index: 0, term: 0, conf };
const entry = (index: number, term: number): WireEntry => ({
  index,
  term,
  isConfChange: false,
  data: Uint8Array.of(1),
});
const hardState = { term: 4, vote: 'b', commit: 3 };
const at = (index: number, term: number) => ({ metadata: { index, term, conf } });

describe('what a member starts from', () => {
  test('nothing on disk: the configuration of the flags and an empty log', () => {
    const { initial } = initialState(undefined, undefined, first);
    assert.deepEqual(initial, {
      hardState: { term: 0, vote: undefined, commit: 0 },
      conf,
      applied: 0,
      log: { snapshotIndex: 0, snapshotTerm: 0, entries: [] },
    });
  });

  test('a log that leads to the checkpoint counts from there on', () => {
    const entries = [entry(3, 1), entry(4, 2), entry(5, 2)];
    const contents = { hardState, entries, snapshot: undefined, identity: null };
    const { initial, isCutOff } = initialState(contents, at(4, 2), first);
    assert.deepEqual(
      [initial.log.snapshotIndex, initial.log.entries.map(({ index }) => index), isCutOff],
      [4, [5], false],
    );
    assert.deepEqual(initial.hardState, { term: 4, vote: 'b', commit: 4 });
  });

  test('WAL-3 entries that contradict the checkpoint, or do not reach it, are left out', () => {
    const contradicting = {
      hardState,
      entries: [entry(3, 1), entry(4, 1), entry(5, 1)],
      snapshot: undefined,
      identity: null,
    };
    assert.deepEqual(initialState(contradicting, at(4, 2), first).initial.log.entries, []);
    const short = { hardState, entries: [entry(1, 1)], snapshot: undefined, identity: null };
    const { initial, isCutOff } = initialState(short, at(9, 5), first);
    assert.deepEqual([initial.log.entries, isCutOff], [[], true]);
    // A vote of an earlier term is no vote of the checkpoint's.
    assert.deepEqual(initial.hardState, { term: 5, vote: undefined, commit: 9 });
  });

  test('a log that was begun at the checkpoint follows it', () => {
    const snapshot = { index: 9, term: 5, conf: null };
    const contents = { hardState, entries: [entry(10, 5)], snapshot, identity: null };
    const { initial } = initialState(contents, at(9, 5), first);
    assert.deepEqual(
      initial.log.entries.map(({ index }) => index),
      [10],
    );
  });

  test('WAL-3 a log that follows a checkpoint which is not there is not started from', () => {
    const snapshot = { index: 9, term: 5, conf: null };
    const contents = { hardState, entries: [entry(10, 5)], snapshot, identity: null };
    assert.throws(() => initialState(contents, at(4, 2), first), /WAL-3/);
    assert.throws(() => initialState(contents, undefined, first), /WAL-3/);
  });

  test('a commit index that the log does not reach is not believed', () => {
    const contents = {
      hardState: { ...hardState, commit: 99 },
      entries: [entry(1, 1)],
      snapshot: undefined,
      identity: null,
    };
    assert.equal(initialState(contents, undefined, first).initial.hardState.commit, 1);
  });
});
