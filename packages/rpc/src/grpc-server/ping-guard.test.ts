import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PingGuard } from './ping-guard.ts';

test('a client may ping as often as agreed, and is forgiven twice', () => {
  const guard = new PingGuard(5000);
  for (let i = 0; i < 10; i++) assert.equal(guard.pinged(i * 5000, true), false);
  assert.equal(guard.pinged(45_100, true), false);
  assert.equal(guard.pinged(45_200, true), false);
  assert.equal(guard.pinged(45_300, true), true);
});

test('an answer in between begins the count anew', () => {
  const guard = new PingGuard(5000);
  for (let i = 0; i < 10; i++) {
    assert.equal(guard.pinged(i * 100, true), false);
    guard.sent();
  }
});

test('a client without calls has little reason to ping', () => {
  const guard = new PingGuard(5000);
  assert.deepEqual(
    [0, 10_000, 20_000, 30_000].map((ms) => guard.pinged(ms, false)),
    [false, false, false, true],
  );
});

test('where nothing is agreed, anything goes', () => {
  const guard = new PingGuard(0);
  for (let i = 0; i < 10; i++) assert.equal(guard.pinged(i, false), false);
});
