import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from './outbox.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a lone answer leaves at once; answers of a busy turn leave together at its end', async () => {
  const outbox = new Outbox();
  const sent: string[] = [];
  const add = (name: string): void => outbox.add({ flush: () => sent.push(name) });
  add('a');
  assert.deepEqual(sent, ['a']);
  add('b');
  add('c');
  assert.deepEqual(sent, ['a']);
  await turn();
  assert.deepEqual(sent, ['a', 'b', 'c']);
  add('d');
  assert.deepEqual(sent, ['a', 'b', 'c'], 'the turn before was busy');
  await turn();
  assert.deepEqual(sent, ['a', 'b', 'c', 'd']);
  add('e');
  assert.deepEqual(sent, ['a', 'b', 'c', 'd', 'e']);
});
