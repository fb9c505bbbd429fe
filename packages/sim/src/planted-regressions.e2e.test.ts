import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Nursery } from './testing/planted.ts';
import { REGRESSION_BUGS } from './testing/regression-bugs.ts';

/** The scenarios bite: each fails on the bug that it is named after, planted into a copy of the sources. */
describe('regressions that come back are noticed', () => {
  const nursery = new Nursery();
  after(() => nursery[Symbol.dispose]());

  for (const file of new Set(REGRESSION_BUGS.map((bug) => bug.test)))
    test(`without a bug all of ${file} pass`, () => {
      assert.ok(!nursery.fails(undefined, pathOf(file), 'etcd'));
    });

  for (const { issue, test: file, ...bug } of REGRESSION_BUGS)
    test(`etcd ${issue}`, () => {
      assert.ok(nursery.fails(bug, pathOf(file), `etcd.* ${issue}`), 'no scenario notices');
    });
});

function pathOf(file: string): string {
  return `regressions/${file}.test.ts`;
}
