import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCluster } from './cluster.ts';

const three = ['a=https://10.0.0.1:2380', 'b=https://10.0.0.2:2380', 'c=https://10.0.0.3:2380'];

test('every member computes the same ids from the same flags', () => {
  const a = parseCluster(three, 'a', 'lab');
  const c = parseCluster(three.toReversed(), 'c', 'lab');
  assert.equal(a.id, c.id);
  assert.deepEqual(
    new Set(a.members.map(({ raftId }) => raftId)),
    new Set(c.members.map(({ raftId }) => raftId)),
  );
  assert.equal(a.self.name, 'a');
});

test('clusters with other tokens are other clusters', () => {
  assert.notEqual(parseCluster(three, 'a', 'lab').id, parseCluster(three, 'a', 'other').id);
});

test('flags that cannot be meant are refused', () => {
  assert.throws(() => parseCluster(three, 'd', 'lab'), /no member named "d"/);
  assert.throws(() => parseCluster(['a'], 'a', 'lab'), /not name=url/);
  assert.throws(() => parseCluster(['a=http://x', 'b=http://x'], 'a', 'lab'), /same URLs/);
});
