import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChurnMap } from './churn-map.ts';

const step = fc.record({ key: fc.nat(90), isAdded: fc.boolean() });

test('it does what a Map does, in the same order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1000 }), (steps) => {
      const map = new Map<number, number>();
      const churned = new ChurnMap<number, number>();
      for (const [i, { key, isAdded }] of steps.entries()) {
        if (isAdded) churned.set(key, map.set(key, i).size);
        else assert.equal(churned.delete(key), map.delete(key));
        if (isAdded) churned.set(key, i);
        assert.deepEqual([churned.size, churned.get(key)], [map.size, map.get(key)]);
      }
      assert.deepEqual([...churned.values()], [...map.values()]);
      const seen: [number, number][] = [];
      churned.forEach((value, key) => seen.push([key, value]));
      assert.deepEqual(seen, [...map]);
      churned.clear();
      assert.equal(churned.size, 0);
    }),
  );
});
