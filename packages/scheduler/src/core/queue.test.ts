import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod, type PodWords } from '../testing/fixtures.ts';
import type { ClusterEvent } from './framework.ts';
import { SchedulingQueue } from './queue.ts';

const WAKES: Record<string, ClusterEvent[]> = {
  Fit: ['NodeAdd', 'AssignedPodDelete'],
  Taints: ['NodeAdd', 'NodeTaint'],
};

function setUp() {
  const queue = new SchedulingQueue({
    backoffFirstMs: 1000,
    backoffMaxMs: 10_000,
    wakesOn: (plugin) => WAKES[plugin] ?? [],
  });
  const add = (name: string, words: PodWords = {}) => queue.add(pod(name, words).pod);
  const pop = (nowMs = 0) => {
    const queued = queue.pop(nowMs);
    assert.ok(queued !== undefined, 'something to do');
    return queued;
  };
  const reject = (nowMs: number, ...plugins: string[]) => queue.reject(pop(nowMs), new Set(plugins), nowMs);
  return { queue, add, pop, reject };
}

test('pods come by priority, then in order of arrival', () => {
  const { queue, add, pop } = setUp();
  add('a');
  add('b', { spec: { priority: 5 } });
  add('c', { spec: { priority: 5 } });
  add('d', { spec: { priority: -1 } });
  assert.deepEqual(
    [pop(), pop(), pop(), pop()].map(({ info }) => info.pod.metadata.name),
    ['b', 'c', 'a', 'd'],
  );
  assert.equal(queue.pop(0), undefined);
  assert.equal(queue.size, 0);
});

test('SCHQ-1 a pod is in one place, however often it is told of', () => {
  const { queue, add, pop } = setUp();
  add('a');
  add('a');
  queue.update(pod('a').pod, true, 0);
  assert.equal(queue.size, 1);
  pop();
  assert.equal(queue.pop(0), undefined);
  add('a');
  queue.delete('default/a');
  queue.delete('default/a');
  assert.equal(queue.size, 0);
});

test('SCHQ-1 a pod whose priority changes while it waits is filed anew', () => {
  const { queue, add, pop } = setUp();
  add('a', { spec: { priority: 1 } });
  add('b', { spec: { priority: 2 } });
  queue.update(pod('a', { spec: { priority: 3 } }).pod, true, 0);
  assert.equal(pop().info.pod.metadata.name, 'a');
  assert.equal(pop().info.pod.metadata.name, 'b');
  assert.equal(queue.size, 0);
});

test('SCHQ-2 an event moves exactly the pods rejected by a rule that names it', () => {
  const { queue, add, reject } = setUp();
  for (const [name, plugins] of [
    ['fit', ['Fit']],
    ['taints', ['Taints']],
    ['both', ['Fit', 'Taints']],
    ['none', []],
  ] as const) {
    add(name);
    reject(0, ...plugins);
  }
  assert.equal(queue.moveOn('NodeLabel', 5000), 1, 'what no rule explains moves on anything');
  assert.equal(queue.placeOf('default/none'), 'active');
  assert.equal(queue.moveOn('AssignedPodDelete', 5000), 2);
  assert.equal(queue.placeOf('default/taints'), 'unschedulable');
  assert.equal(queue.moveOn('NodeTaint', 5000), 1);
});

test('a pod woken during its pause is tried as soon as nothing else is to be done', () => {
  const { queue, add, pop, reject } = setUp();
  add('a');
  reject(0, 'Fit');
  queue.moveOn('NodeAdd', 10);
  assert.equal(queue.placeOf('default/a'), 'backoff');
  add('b');
  assert.equal(pop(10).info.pod.metadata.name, 'b');
  assert.equal(pop(10).info.pod.metadata.name, 'a');
});

test('after an error the pause is kept and doubles to its limit', () => {
  const { queue, add, pop } = setUp();
  add('a');
  let nowMs = 0;
  for (const pauseMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    queue.retry(pop(nowMs), nowMs);
    assert.equal(queue.nextDueMs(), nowMs + pauseMs);
    assert.equal(queue.pop(nowMs + pauseMs - 1), undefined);
    nowMs += pauseMs;
  }
  assert.equal(pop(nowMs).attemptCount, 7);
});

test('SCHQ-3 after five minutes a pod is tried without an event', () => {
  const { queue, add, pop, reject } = setUp();
  add('a');
  reject(1000, 'Fit');
  assert.equal(queue.nextDueMs(), 301_000);
  assert.equal(queue.pop(300_999), undefined);
  assert.equal(pop(301_000).info.pod.metadata.name, 'a');
});

test('an update wakes a pod only when it may fit by it; gates hold it', () => {
  const { queue, add, pop, reject } = setUp();
  add('a');
  reject(0, 'Fit');
  queue.update(pod('a', { labels: { new: '1' } }).pod, false, 2000);
  assert.equal(queue.placeOf('default/a'), 'unschedulable');
  queue.update(pod('a').pod, true, 2000);
  assert.equal(queue.placeOf('default/a'), 'active');
  pop(2000);
  add('g', { spec: { schedulingGates: [{ name: 'x' }] } });
  assert.equal(queue.pop(1e9), undefined);
  assert.equal(queue.nextDueMs(), undefined, 'nothing ticks for a gated pod');
  queue.update(pod('g').pod, false, 0);
  assert.equal(pop().info.pod.metadata.name, 'g');
});
