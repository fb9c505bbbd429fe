import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CountedTree } from './counted-tree.ts';

interface Entry {
  readonly key: string;
  isCounted: boolean;
}

/** The plainest possible one. */
class Model {
  readonly entries = new Map<string, Entry>();

  range(start: string, end: string): Entry[] {
    return [...this.entries.values()]
      .filter(({ key }) => key >= start && key < end)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** Few enough that the same keys meet again, enough for three levels. */
const keys = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0'));
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('insert' as const), key: keys, isCounted: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key: keys }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('toggle' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const), from: keys, to: keys }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('run' as const), from: fc.nat(9000), length: fc.nat(300) }),
  },
);

function insert(tree: CountedTree<Entry>, model: Model, key: string, isCounted: boolean): void {
  if (model.entries.has(key)) return;
  const entry = { key, isCounted };
  tree.insert(key, entry);
  model.entries.set(key, entry);
}

function remove(tree: CountedTree<Entry>, model: Model, key: string): void {
  tree.delete(key);
  model.entries.delete(key);
}

function found(tree: CountedTree<Entry>, start: string, end: string): Entry[] {
  const entries: Entry[] = [];
  tree.forRange(start, end, (entry) => entries.push(entry) > 0);
  return entries;
}

describe('the counted tree', () => {
  test('TREE-1 TREE-2 it finds and counts what a sorted list would, after any inserts and deletions', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 200 }), keys, keys, (actions, start, end) => {
        const tree = new CountedTree<Entry>(({ isCounted }) => isCounted);
        const model = new Model();
        for (const each of actions) {
          if (each.type === 'insert') insert(tree, model, each.key, each.isCounted);
          else if (each.type === 'delete') remove(tree, model, each.key);
          else if (each.type === 'clear') {
            for (const { key } of model.range(each.from, each.to)) remove(tree, model, key);
          } else if (each.type === 'run') {
            for (let n = 0; n < each.length; n++)
              insert(tree, model, String(each.from + n).padStart(4, '0'), n % 3 > 0);
          } else {
            const entry = model.entries.get(each.key);
            if (entry === undefined) continue;
            entry.isCounted = !entry.isCounted;
            tree.recount(each.key, entry.isCounted ? 1 : -1);
          }
        }
        const expected = model.range(start, end);
        assert.deepEqual(found(tree, start, end), expected);
        assert.equal(tree.count(start, end), expected.filter(({ isCounted }) => isCounted).length);
        const all = model.range('', ':');
        assert.deepEqual([...tree.values()], all);
        assert.equal(tree.count('', ':'), all.filter(({ isCounted }) => isCounted).length);
        assert.equal(tree.size, model.entries.size);
        assert.equal(tree.get(start), model.entries.get(start));
      }),
      { numRuns: 300 },
    );
  });

  test('a visit ends when the visitor has enough', () => {
    const tree = new CountedTree<number>(() => true);
    for (let n = 0; n < 1000; n++) tree.insert(String(n).padStart(4, '0'), n);
    const seen: number[] = [];
    tree.forRange('0100', '0900', (n) => seen.push(n) < 5);
    assert.deepEqual(seen, [100, 101, 102, 103, 104]);
  });
});
