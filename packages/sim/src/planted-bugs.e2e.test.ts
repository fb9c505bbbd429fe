import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { BUGS } from './testing/bugs.ts';
import { Nursery } from './testing/planted.ts';

const SEEDS_MAX = 200;
/** Of one search; most bugs are found within a second. */
const TIMEOUT_MS = 60_000;

/** The tests bite: each of these bugs, planted into a copy of the sources, is noticed. */
describe('planted bugs are found', () => {
  const nursery = new Nursery();
  after(() => nursery[Symbol.dispose]());

  test('the copy without a bug keeps every promise', () => {
    assert.equal(nursery.find(undefined, 3, TIMEOUT_MS), undefined);
  });

  for (const bug of BUGS) {
    test(bug.name, (t) => {
      const finding = nursery.find(bug, SEEDS_MAX, TIMEOUT_MS);
      assert.ok(finding !== undefined, `no seed up to ${SEEDS_MAX} notices`);
      t.diagnostic(`seed ${finding.seed}: ${finding.by}${finding.text.slice(0, 100)}`);
    });
  }
});
