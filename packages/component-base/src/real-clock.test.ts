import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { realClock } from './real-clock.ts';

test('a timer for longer than Node’s timers take goes off when it is due, and not at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const DAY_MS = 24 * 3_600_000;
  const fired = mock.fn();
  const cancelled = mock.fn();
  realClock.setTimer(60 * DAY_MS, fired);
  const timer = realClock.setTimer(60 * DAY_MS, cancelled);
  for (let hour = 0; hour < 59 * 24; hour++) t.mock.timers.tick(DAY_MS / 24);
  assert.equal(fired.mock.callCount(), 0);
  timer.cancel();
  for (let hour = 0; hour <= 48; hour++) t.mock.timers.tick(DAY_MS / 24);
  assert.deepEqual([fired.mock.callCount(), cancelled.mock.callCount()], [1, 0]);
});
