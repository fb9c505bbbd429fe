import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Traffic } from './traffic.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who comes alone turn after turn is told so each time', async () => {
  const traffic = new Traffic();
  for (let i = 0; i < 3; i++) {
    assert.equal(traffic.isFirstOfFew(), true);
    await turn();
  }
});

test('of several in one turn only the first does not know of the others, and from then on it expects them', async () => {
  const traffic = new Traffic();
  assert.deepEqual(
    [traffic.isFirstOfFew(), traffic.isFirstOfFew(), traffic.isFirstOfFew()],
    [true, false, false],
  );
  await turn();
  assert.deepEqual([traffic.isFirstOfFew(), traffic.isFirstOfFew()], [false, false]);
  await turn();
  assert.equal(traffic.isFirstOfFew(), false);
  await turn();
  assert.equal(traffic.isFirstOfFew(), true);
});
