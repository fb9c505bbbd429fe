import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Operation, Outcome, Request } from '../clients/operation.ts';
import { Revisions } from './revisions.ts';
import { checkByRevision } from './serial-order.ts';
import { beginningOf, checkKeys, type Step } from './wgl.ts';

const put = (key: string, value: string): Request => ({ type: 'put', key, value, lease: 0 });
const get = (key: string): Request => ({ type: 'get', key, end: undefined, serializable: false });
const seen = (value: string, revision: number) => ({
  key: 'k',
  value,
  modRevision: revision,
  createRevision: 2,
  version: revision - 1,
});

function operation(
  request: Request,
  [invokedMs, returnedMs]: readonly [number, number],
  answer?: Answer,
  outcome: Outcome = answer === undefined ? 'unknown' : 'ok',
): Operation {
  return { client: 1, request, invokedMs, returnedMs, outcome, answer };
}

/** k = a at 2, b at 3. */
function revisions(): Revisions {
  const history = new Revisions();
  const change = { key: 'k', createRevision: 2, lease: 0 };
  history.tell('n1', 2, [{ ...change, revision: 2, value: 'a', version: 1 }]);
  history.tell('n1', 3, [{ ...change, revision: 3, value: 'b', version: 2 }]);
  return history;
}

const wroteA = operation(put('k', 'a'), [0, 1], { revision: 2, previous: [] });
const wroteB = operation(put('k', 'b'), [2, 3], { revision: 3, previous: [seen('a', 2)] });
const readA = (at: readonly [number, number]) =>
  operation(get('k'), at, { revision: 2, found: [seen('a', 2)] });
const readB = (at: readonly [number, number]) =>
  operation(get('k'), at, { revision: 3, found: [seen('b', 3)] });

/** Name, what clients saw, what `checkByRevision` says, whether the search finds an order. */
const cases: readonly [string, readonly Operation[], RegExp | undefined, boolean][] = [
  ['one after the other', [wroteA, wroteB, readB([4, 5])], undefined, true],
  ['a read during a write may see either', [wroteA, wroteB, readA([2, 3]), readB([2, 3])], undefined, true],
  ['a read after a write must see it', [wroteA, wroteB, readA([4, 5])], /real-time/, false],
  [
    'reads do not go back',
    [wroteA, operation(put('k', 'b'), [2, Infinity]), readB([3, 4]), readA([5, 6])],
    /real-time/,
    false,
  ],
  [
    'an unanswered write may take effect late',
    [wroteA, operation(put('k', 'b'), [2, Infinity]), readA([9, 10]), readB([11, 12])],
    undefined,
    true,
  ],
  [
    'a refused write must not take effect',
    [wroteA, operation(put('k', 'b'), [2, 3], undefined, 'refused'), readB([4, 5])],
    /refused-and-done/,
    false,
  ],
  [
    'an answer names what was there',
    [wroteA, operation(put('k', 'b'), [2, 3], { revision: 3, previous: [] })],
    /wrong-answer/,
    false,
  ],
  [
    'an acknowledged write is not lost',
    [wroteA, wroteB, operation(put('k', 'c'), [4, 5], { revision: 4, previous: [seen('b', 3)] })],
    /wrong-answer/,
    true,
  ],
  ['every effect has a cause', [wroteA], /no-cause/, true],
];

describe('the accounts', () => {
  for (const [name, operations, wrong, isExplained] of cases) {
    test(name, () => {
      if (wrong === undefined) checkByRevision(operations, revisions());
      else assert.throws(() => checkByRevision(operations, revisions()), wrong);
      if (isExplained) checkKeys(operations);
      else assert.throws(() => checkKeys(operations), /wgl/);
    });
  }

  test('of a long history the search takes a beginning that nothing answered reaches out of', () => {
    const step = (start: number, end: number, isOptional = false): Step => ({
      start,
      end,
      isOptional,
      apply: (value) => value,
      text: '',
    });
    const steps = [step(0, 1), step(2, Infinity, true), step(3, 6), step(5, 8), step(9, 10)];
    assert.equal(beginningOf(steps, 5).length, 5);
    assert.equal(beginningOf(steps, 4).length, 4);
    assert.equal(beginningOf(steps, 3).length, 2, 'the third overlaps with the fourth');
  });

  test('members that tell different histories are found, and values written twice', () => {
    const history = revisions();
    const change = { key: 'k', createRevision: 2, lease: 0 };
    assert.throws(
      () => history.tell('n2', 3, [{ ...change, revision: 3, value: 'x', version: 2 }]),
      /state-machine/,
    );
    assert.throws(
      () => history.tell('n2', 5, [{ ...change, revision: 5, value: 'x', version: 3 }]),
      /state-machine/,
    );
    assert.throws(() => history.tell('n2', 4, [{ ...change, revision: 4, value: 'x', version: 4 }]), /mvcc/);
    assert.throws(
      () => revisions().tell('n2', 4, [{ ...change, revision: 4, value: 'a', version: 3 }]),
      /applied-twice/,
    );
  });
});
