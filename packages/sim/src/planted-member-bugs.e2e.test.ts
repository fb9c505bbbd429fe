import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { MEMBER_BUGS, SCENARIO_BUGS } from './testing/member-bugs.ts';
import { Nursery } from './testing/planted.ts';

const SEEDS_MAX = 200;
const TIMEOUT_MS = 60_000;

/** As `planted-bugs.e2e.test.ts`, where members come and go and requests have any shape. */
describe('planted bugs of membership and requests are found', () => {
  const nursery = new Nursery();
  after(() => nursery[Symbol.dispose]());

  for (const bug of MEMBER_BUGS) {
    test(bug.name, (t) => {
      const finding = nursery.find(bug, SEEDS_MAX, TIMEOUT_MS);
      assert.ok(finding !== undefined, `no seed up to ${SEEDS_MAX} notices`);
      t.diagnostic(`seed ${finding.seed}: ${finding.by}${finding.text.slice(0, 100)}`);
    });
  }

  for (const { title, ...bug } of SCENARIO_BUGS) {
    test(bug.name, () => {
      assert.ok(!nursery.fails(undefined, 'transfer.test.ts', title));
      assert.ok(nursery.fails(bug, 'transfer.test.ts', title), 'no scenario notices');
    });
  }
});
