import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { keepRehearsed, rehearseElections } from './rehearsal.ts';

test('each rehearsal is an election that is won', () => {
  assert.equal(rehearseElections(0), 1);
  assert.equal(rehearseElections(7), 8);
});

test('rehearsals go on until they are ended', async () => {
  const clock = new FakeClock();
  const end = keepRehearsed(clock);
  await clock.advance(60_000);
  assert.equal(clock.pendingTimers, 1);
  end();
  assert.equal(clock.pendingTimers, 0);
});
