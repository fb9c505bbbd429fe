import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { keepRehearsed, rehearseElections } from './rehearsal.ts';

test('each rehearsal is an election that is won, and followed by writes of all members', async () => {
  assert.equal(await rehearseElections(0), 1);
  assert.equal(await rehearseElections(7), 8);
});

test('rehearsals go on until they are ended', async () => {
  const clock = new FakeClock();
  let askCount = 0;
  const end = keepRehearsed(clock, () => askCount++ === 0);
  await clock.advance(121_000);
  assert.equal(askCount, 3);
  assert.equal(clock.pendingTimers, 1);
  end();
  assert.equal(clock.pendingTimers, 0);
});
