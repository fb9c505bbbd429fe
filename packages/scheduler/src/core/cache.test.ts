import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, pod } from '../testing/fixtures.ts';
import { SchedulerCache } from './cache.ts';

const bound = (name: string, nodeName: string, cpu = '1') => pod(name, { cpu, spec: { nodeName } }).pod;

function setUp() {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  const cpu = (name: string) => cache.node(name)?.requested['cpu'] ?? 0;
  return { cache, cpu };
}

test('SCHED-2 a pod is counted once, on the node it was last seen on', () => {
  const { cache, cpu } = setUp();
  cache.setNode(node('b'));
  cache.setPod(bound('p', 'a'));
  cache.setPod(bound('p', 'a', '2'));
  assert.equal(cpu('a'), 2000);
  cache.setPod(bound('p', 'b'));
  assert.deepEqual([cpu('a'), cpu('b'), cache.podCount], [0, 1000, 1]);
  assert.throws(() => cache.assume(pod('p'), 'a'), /SCHED-2/);
});

test('SCHED-3 an assumed pod holds its place until told otherwise', () => {
  const { cache, cpu } = setUp();
  cache.assume(pod('p', { cpu: '1' }), 'a');
  assert.ok(cache.isAssumed('default/p'));
  cache.forget('default/p', 'another uid');
  assert.equal(cpu('a'), 1000, 'a pod reborn under the name is not meant');
  cache.forget('default/p', 'uid-p');
  assert.equal(cpu('a'), 0);
});

test('SCHED-3 the watch wins over a failed binding that arrived after all', () => {
  const { cache, cpu } = setUp();
  cache.assume(pod('p', { cpu: '1' }), 'a');
  cache.setPod(bound('p', 'a'));
  cache.forget('default/p', 'uid-p');
  assert.equal(cpu('a'), 1000);
  cache.removePod('default/p');
  assert.equal(cpu('a'), 0);
});

test('pods may be known before their node and stay when it comes back', () => {
  const { cache, cpu } = setUp();
  cache.setPod(bound('p', 'late'));
  assert.deepEqual(
    cache.nodes().map(({ name }) => name),
    ['a'],
  );
  cache.setNode(node('late'));
  assert.equal(cpu('late'), 1000);
  cache.removeNode('late');
  assert.equal(cache.node('late'), undefined);
  cache.setNode(node('late'));
  assert.equal(cpu('late'), 1000);
});
