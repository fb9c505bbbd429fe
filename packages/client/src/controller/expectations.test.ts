import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { Expectations } from './expectations.ts';

test('EXP-1 not met until every creation and deletion was observed', () => {
  const expectations = new Expectations(new FakeClock());
  assert.ok(expectations.areMet('a'));
  expectations.expect('a', { creations: 2, deletions: ['x'] });
  expectations.creationObserved('a');
  expectations.deletionObserved('a', 'x');
  expectations.deletionObserved('a', 'x');
  assert.ok(!expectations.areMet('a'));
  expectations.creationObserved('a');
  assert.ok(expectations.areMet('a'));
  expectations.creationObserved('a');
  expectations.expectCreations('a', 1);
  assert.ok(!expectations.areMet('a'), 'an early observation is not saved up');
});

test('EXP-1 after five minutes the cache is believed again', async () => {
  const clock = new FakeClock();
  const expectations = new Expectations(clock);
  expectations.expectDeletions('a', ['x']);
  await clock.advance(5 * 60_000);
  assert.ok(!expectations.areMet('a'));
  await clock.advance(1);
  assert.ok(expectations.areMet('a'));
});
