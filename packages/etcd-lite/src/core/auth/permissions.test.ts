import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { bytesOf, PermissionType } from '@kubelab/rpc/etcd';
import { isInRange, type KeyRange, keyRange } from '../keys.ts';
import { covers, mergePermissions, mergeRanges } from './permissions.ts';

/** `a` the key a, `a-c` from a to before c, `a-` from a on. */
function range(text: string): KeyRange {
  const [key = '', end] = text.split('-');
  return keyRange(bytesOf(key), end === undefined ? undefined : bytesOf(end === '' ? '\0' : end));
}

describe('merged permissions', () => {
  const cases: readonly (readonly [name: string, granted: string[], asked: string, isCovered: boolean])[] = [
    ['a key allows itself', ['b'], 'b', true],
    ['a key allows no longer key', ['b'], 'ba', false],
    ['a key is no range', ['b'], 'b-c', false],
    ['a range allows its first key', ['b-d'], 'b', true],
    ['a range does not allow its end', ['b-d'], 'd', false],
    ['a range allows itself', ['b-d'], 'b-d', true],
    ['a range allows a part', ['b-d'], 'ba-c', true],
    ['a range allows nothing wider at its end', ['b-d'], 'b-e', false],
    ['a range allows nothing wider at its start', ['b-d'], 'a-d', false],
    ['ranges that touch are one', ['b-c', 'c-d'], 'b-d', true],
    ['ranges that overlap are one', ['b-cc', 'c-d'], 'b-d', true],
    ['a gap of one key is a gap', ['b-c', 'c\0-d'], 'b-d', false],
    ['a key may close the gap', ['b-c', 'c\0-d', 'c'], 'b-d', true],
    ['an open end allows an open end', ['b-'], 'c-', true],
    ['an open end allows any end', ['b-'], 'c-\xff\xff', true],
    ['an end is not open, however far', ['b-\xff\xff'], 'c-', false],
    ['a single key allows no open end', ['b'], 'b-', false],
    ['an open end allows nothing before its start', ['b-'], 'a', false],
    ['nothing allows nothing', [], 'a', false],
    ['an empty range within is allowed', ['b-d'], 'c-b', true],
    ['an empty range elsewhere is not', ['b-d'], 'e-a', false],
  ];
  for (const [name, granted, asked, isCovered] of cases)
    test(`${name}: ${granted.join(' ')} ${isCovered ? 'cover' : 'do not cover'} ${asked}`, () => {
      assert.equal(covers(mergeRanges(granted.map(range)), range(asked)), isCovered);
    });

  test('cover exactly the ranges whose every key is in one that was granted', () => {
    const random = seededRandom(7);
    const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
    const letter = (): string => letters[random.int(letters.length)] ?? 'a';
    const some = (): KeyRange => range(random.int(3) === 0 ? letter() : `${letter()}-${letter()}`);
    // Ranges end at letters, so these are a key of every part that they can differ in.
    const keys = letters.flatMap((each) => [each, `${each}\0`, `${each}x`]);
    for (let i = 0; i < 2000; i++) {
      const granted = Array.from({ length: random.int(5) }, some);
      const asked = some();
      if (asked.end !== undefined && asked.start >= asked.end) continue;
      const isCovered = keys
        .filter((key) => isInRange(asked, key))
        .every((key) => granted.some((each) => isInRange(each, key)));
      assert.equal(covers(mergeRanges(granted), asked), isCovered, JSON.stringify({ i, granted, asked }));
    }
  });

  test('reading and writing are apart, and READWRITE is both', () => {
    const on = (permType: number, key: string) => ({
      permType,
      key: bytesOf(key),
      rangeEnd: new Uint8Array(),
    });
    const { read, write } = mergePermissions([
      { name: 'one', permissions: [on(PermissionType.READ, 'r'), on(PermissionType.WRITE, 'w')] },
      { name: 'two', permissions: [on(PermissionType.READWRITE, 'b')] },
    ]);
    const starts = (ranges: readonly { start: string }[]): string[] => ranges.map(({ start }) => start);
    assert.deepEqual(
      [starts(read), starts(write)],
      [
        ['b', 'r'],
        ['b', 'w'],
      ],
    );
  });
});
