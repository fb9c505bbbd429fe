import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Anticipation } from './anticipation.ts';

/** Its event loop and its time, in the hands of the test. */
function world(t: TestContext) {
  const turns: (() => void)[] = [];
  let nowMs = 1000;
  t.mock.method(globalThis, 'setImmediate', (run: () => void) => void turns.push(run));
  t.mock.method(performance, 'now', () => nowMs);
  const anticipation = new Anticipation();
  return {
    anticipation,
    pass: (ms: number): void => void (nowMs += ms),
    /** Whether it wanted one more turn at once. */
    isAwake: (): boolean => turns.length > 0,
    turn: (): void => turns.shift()?.(),
    /** One that comes so long after the answer to the one before. */
    request: (afterMs: number): void => {
      nowMs += afterMs;
      while (turns.length > 0) turns.shift()?.();
      anticipation.came();
      nowMs += 0.2;
      anticipation.served();
    },
  };
}

test('one request now and then is nothing to stay awake for', (t) => {
  const { request, isAwake } = world(t);
  for (let i = 0; i < 3; i++) {
    request(10);
    assert.equal(isAwake(), false);
  }
});

test('after two in a row it looks for the third with each turn, but not for long', (t) => {
  const { request, pass, turn, isAwake } = world(t);
  request(10);
  request(0.1);
  assert.equal(isAwake(), true);
  pass(0.1);
  turn();
  assert.equal(isAwake(), true);
  pass(0.2);
  turn();
  assert.equal(isAwake(), false);
});

test('once it has come, nobody is looked for', (t) => {
  const { anticipation, request, turn, isAwake } = world(t);
  request(10);
  request(0.1);
  anticipation.came();
  turn();
  assert.equal(isAwake(), false);
});

test('a client that takes its time is hardly ever waited for', (t) => {
  const { request, isAwake } = world(t);
  let awake = 0;
  for (let i = 0; i < 1000; i++) {
    request(1);
    if (isAwake()) awake++;
  }
  assert.ok(awake > 0 && awake < 50, String(awake));
});
