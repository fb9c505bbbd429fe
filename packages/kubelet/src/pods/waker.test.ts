import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { Waker } from './waker.ts';

test('the earliest wish wakes; a failure keeps others from trying too early, ever longer', async () => {
  const clock = new FakeClock();
  const kicks: number[] = [];
  const waker = new Waker(clock, () => kicks.push(clock.monotonic()));
  waker.after(5_000);
  waker.after(1_000);
  waker.after(3_000);
  await clock.advance(2_000);
  assert.deepEqual(kicks, [1_000]);

  const delays: number[] = [];
  for (let i = 0; i < 7; i++) {
    waker.failed('volumes');
    const failedMs = clock.monotonic();
    assert.equal(waker.isTooEarly('volumes'), true);
    assert.equal(waker.isTooEarly('other'), false);
    while (waker.isTooEarly('volumes')) await clock.advance(100);
    delays.push(clock.monotonic() - failedMs);
  }
  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  waker.succeeded('volumes');
  waker.failed('volumes');
  await clock.advance(500);
  assert.equal(waker.isTooEarly('volumes'), false);
  waker.stop();
  waker.after(10);
  assert.equal(clock.pendingTimers, 0);
});
