import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operation } from '../clients/operation.ts';
import { Revisions } from './revisions.ts';
import { checkEchoes } from './rich-order.ts';

/** A transaction that puts what these keys have once more; `revision`: that of its answer, if it has one. */
function again(keys: readonly string[], revision?: number): Operation {
  const success = keys.map((key) => {
    return { op: 'put' as const, key, value: '', lease: 0, keepsValue: true, keepsLease: false };
  });
  return {
    client: 1,
    request: { type: 'txn', txn: { op: 'txn', compare: [], success, failure: [] } },
    invokedMs: 0,
    returnedMs: Number.POSITIVE_INFINITY,
    outcome: revision === undefined ? 'unknown' : 'ok',
    answer: revision === undefined ? undefined : { revision, text: '', hasWritten: true },
  };
}

/** `j` and `k` are made in 2, and put again, as they are, by the later revisions. */
function history(...later: (readonly string[])[]): Revisions {
  const revisions = new Revisions();
  const versions = new Map<string, number>();
  [['j', 'k'], ...later].forEach((keys, at) => {
    const changes = keys.map((key) => {
      const version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      return { key, value: `of ${key}`, revision: at + 2, createRevision: 2, version, lease: 0 };
    });
    revisions.tell('n1', at + 2, changes);
  });
  return revisions;
}

describe('values that were written again', () => {
  const cases: [string, Operation[], Revisions, boolean][] = [
    ['by one with an answer', [again(['k'], 3)], history(['k']), true],
    ['by one whose answer has another revision', [again(['k'], 4)], history(['k']), false],
    ['by one without an answer', [again(['k'])], history(['k']), true],
    ['by nobody', [again(['j'])], history(['k']), false],
    ['twice by one without an answer', [again(['k'])], history(['k'], ['k']), false],
    ['both keys by one each, in one revision', [again(['j']), again(['k'])], history(['j', 'k']), false],
    [
      'late by one without an answer that was asked before one with',
      [again(['k']), again(['k'], 3)],
      history(['k'], ['k']),
      true,
    ],
    [
      'first by the one that could have been the second as well',
      [again(['j', 'k']), again(['k'])],
      history(['k'], ['j', 'k']),
      true,
    ],
  ];
  for (const [title, operations, revisions, isFine] of cases) {
    test(`${title}: ${isFine ? 'fine' : 'found'}`, () => {
      if (isFine) checkEchoes(operations, revisions);
      else assert.throws(() => checkEchoes(operations, revisions), /applied-twice/);
    });
  }
});
