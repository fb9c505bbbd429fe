import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, objectKey } from '@kubelab/api';
import { AssertionError, seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock, settle } from '@kubelab/component-base/testing';
import { createInformerFactory } from '../informer/factory.ts';
import { FakeKubeClient } from '../testing/index.ts';
import { type ControllerSpec, done, type Result } from '../types.ts';
import { createController, runControllers, terminal } from './controller.ts';

function setUp(reconcile: (key: string) => Promise<Result>, workers = 1) {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const deps = { clock, random: seededRandom(1), log: silentLogger };
  const informers = createInformerFactory(client, deps);
  const stop = new AbortController();
  const maps = informers.of(ConfigMap);
  const spec: ControllerSpec = {
    name: 'test',
    workers,
    watch(enqueue) {
      maps.addHandler({
        onAdd: (map) => enqueue(objectKey(map)),
        onUpdate: (_, map) => enqueue(objectKey(map)),
      });
    },
    reconcile,
  };
  const controller = createController(spec, deps);
  const run = () => runControllers([controller], informers, stop.signal);
  return { clock, client, stop, run, maps };
}

test('a pass runs only after the caches are filled, and again for every change', async () => {
  const seen: [string, string | undefined][] = [];
  const { clock, client, stop, run, maps } = setUp(async (key) => {
    seen.push([key, maps.get(key)?.data?.['x']]);
    return done;
  });
  client.seed(ConfigMap, { metadata: { name: 'a' }, data: { x: '1' } });
  const running = run();
  await clock.advance(10);
  client.mutate(ConfigMap, 'default/a', (map) => (map.data = { x: '2' }));
  await clock.advance(10);
  assert.deepEqual(seen, [
    ['default/a', '1'],
    ['default/a', '2'],
  ]);
  stop.abort();
  await running;
});

test('a pass that throws is made again with growing pauses; success ends that', async () => {
  let passCount = 0;
  const { clock, client, stop, run } = setUp(async () => {
    if (++passCount < 4) throw new Error('not yet');
    return done;
  });
  client.seed(ConfigMap, { metadata: { name: 'a' } });
  const running = run();
  await clock.advance(0);
  assert.equal(passCount, 1);
  await clock.advance(5);
  assert.equal(passCount, 2);
  await clock.advance(10 + 20);
  assert.equal(passCount, 4);
  await clock.advance(60_000);
  assert.equal(passCount, 4);
  assert.equal(clock.pendingTimers, 0, 'nothing ticks at rest');
  stop.abort();
  await running;
});

test('requeueAfterMs asks for another pass; a terminal error for none', async () => {
  let passCount = 0;
  const { clock, client, stop, run } = setUp(async () => {
    passCount++;
    if (passCount === 2) throw terminal('hopeless');
    return { requeueAfterMs: 1000 };
  });
  client.seed(ConfigMap, { metadata: { name: 'a' } });
  const running = run();
  await clock.advance(999);
  assert.equal(passCount, 1);
  await clock.advance(60_000);
  assert.equal(passCount, 2);
  stop.abort();
  await running;
});

test('WQ-2 one key is never in two passes, two keys may be', async () => {
  const running = new Set<string>();
  let together = 0;
  const { clock, client, stop, run } = setUp(async (key) => {
    assert.ok(!running.has(key));
    running.add(key);
    together = Math.max(together, running.size);
    await settle();
    running.delete(key);
    return done;
  }, 3);
  client.seed(ConfigMap, { metadata: { name: 'a' } }, { metadata: { name: 'b' } });
  const ended = run();
  for (let i = 0; i < 5; i++) {
    client.mutate(ConfigMap, 'default/a', (map) => (map.data = { i: String(i) }));
    await clock.advance(1);
  }
  assert.equal(together, 2);
  stop.abort();
  await ended;
});

test('a broken invariant ends the controller instead of being retried', async () => {
  const { clock, client, run } = setUp(async () => {
    throw new AssertionError('X-1');
  });
  client.seed(ConfigMap, { metadata: { name: 'a' } });
  const ended = assert.rejects(run(), /X-1/);
  await clock.advance(10);
  await ended;
});
