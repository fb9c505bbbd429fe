import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settle } from '@kubelab/component-base/testing';
import { WorkQueue } from './work-queue.ts';

function setUp() {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock }) };
}

test('WQ-1 a key added many times is worked on once', async () => {
  const { queue } = setUp();
  for (let i = 0; i < 5; i++) queue.add('a');
  queue.add('b');
  assert.equal(queue.depth, 2);
  assert.equal(await queue.get(), 'a');
  assert.equal(await queue.get(), 'b');
  assert.equal(queue.depth, 0);
});

test('WQ-2 a key added while in work comes again only after it is done', async () => {
  const { queue } = setUp();
  queue.add('a');
  assert.equal(await queue.get(), 'a');
  queue.add('a');
  queue.add('a');
  let second: string | undefined;
  const waiting = queue.get().then((key) => (second = key));
  await settle();
  assert.equal(second, undefined);
  queue.done('a');
  await waiting;
  assert.equal(second, 'a');
  queue.done('a');
  assert.equal(queue.depth, 0);
});

test('WQ-2 done for a key that is not in work is a bug', () => {
  const { queue } = setUp();
  assert.throws(() => queue.done('a'), /WQ-2/);
});

test('WQ-3 of several delayed adds the earliest counts and an add at once overtakes them', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 100);
  queue.addAfter('a', 500);
  await clock.advance(99);
  assert.equal(queue.depth, 0);
  await clock.advance(1);
  assert.equal(queue.depth, 1);
  await clock.advance(2000);
  assert.equal(queue.depth, 1);
  queue.addAfter('b', 1000);
  queue.add('b');
  assert.equal(queue.waitingCount, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('failures of one key are spaced 5 ms, 10 ms, 20 ms, … to 30 s and start anew after a success', async () => {
  const { clock, queue } = setUp();
  const delays: number[] = [];
  for (let i = 0; i < 16; i++) {
    const startMs = clock.monotonic();
    queue.addRateLimited('a');
    while (queue.depth === 0) await clock.advance(5);
    delays.push(clock.monotonic() - startMs);
    queue.done((await queue.get()) ?? '');
  }
  assert.deepEqual(delays.slice(0, 5), [5, 10, 20, 40, 80]);
  assert.equal(delays.at(-1), 30_000);
  queue.forget('a');
  assert.equal(queue.failureCount('a'), 0);
});

test('shutting down drops what waits and releases those who wait', async () => {
  const { clock, queue } = setUp();
  const waiting = queue.get();
  queue.addAfter('a', 10);
  queue.shutDown();
  assert.equal(await waiting, undefined);
  queue.add('b');
  assert.equal(await queue.get(), undefined);
  assert.equal(clock.pendingTimers, 0);
});
