import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prefixEnd } from './keys.ts';

describe('the end of a prefix', () => {
  const cases: readonly (readonly [string, number[], number[]])[] = [
    ['is one more than its last byte', [97, 98], [97, 99]],
    ['is that of the byte before where the last is the largest', [97, 255, 255], [98]],
    ['is that of all keys where all are the largest', [255, 255], [0]],
    ['is that of all keys without a prefix', [], [0]],
  ];
  for (const [name, prefix, want] of cases)
    test(name, () => assert.deepEqual([...prefixEnd(Uint8Array.from(prefix))], want));

  test('leaves the prefix as it was, also where it is a Buffer', () => {
    const prefix = Buffer.from('ab');
    prefixEnd(prefix);
    assert.equal(prefix.toString(), 'ab');
  });
});
