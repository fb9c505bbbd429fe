import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Patience } from './patience.ts';

/** How many of `calls` are waited for, if each takes `ms`. */
function waitedFor(patience: Patience, calls: number, ms: number): number {
  let count = 0;
  for (let i = 0; i < calls; i++) {
    if (!patience.mayBlock()) continue;
    count++;
    patience.took(ms);
  }
  return count;
}

test('a quick disk is always waited for, and a slow answer now and then changes nothing', () => {
  const patience = new Patience(0.5);
  for (let i = 0; i < 100; i++) {
    assert.equal(waitedFor(patience, 10, 0.08), 10);
    assert.equal(waitedFor(patience, 1, 50), 1);
  }
});

test('a slow disk is waited for ever more rarely, until it is quick again', () => {
  const patience = new Patience(0.5);
  assert.ok(waitedFor(patience, 20_000, 10) < 100);
  while (!patience.mayBlock());
  patience.took(0.08);
  assert.equal(waitedFor(patience, 100, 0.08), 100);
});
