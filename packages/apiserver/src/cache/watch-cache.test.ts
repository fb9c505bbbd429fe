import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { MemoryStore } from '../testing/memory-store.ts';
import { encodeForStore } from './entry.ts';
import { Freshness } from './freshness.ts';
import type { OutEvent, WatchFilter } from './watcher.ts';
import { WATCH_BUFFER_EVENTS_MAX } from './watcher.ts';
import { WatchCache } from './watch-cache.ts';

const everything: WatchFilter = { keyPrefix: '', matches: () => true };
const onlyBlue: WatchFilter = {
  keyPrefix: '',
  matches: (entry) => entry.object.metadata.labels?.['color'] === 'blue',
};

async function fixture() {
  const store = new MemoryStore();
  const cache = new WatchCache({ store, clock: realClock, log: silentLogger });
  const pods = cache.add('/registry/pods/');
  return { store, cache, pods };
}

function pod(name: string, color = 'red') {
  return encodeForStore({
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      resourceVersion: '',
      creationTimestamp: '',
      labels: { color },
    },
  });
}

async function put(store: MemoryStore, name: string, color?: string): Promise<number> {
  const value = pod(name, color);
  const done = await store.txn({
    compare: [],
    success: [{ type: 'put', key: `/registry/pods/ns/${name}`, value }],
    failure: [],
  });
  return done.revision;
}

async function remove(store: MemoryStore, name: string): Promise<number> {
  const key = `/registry/pods/ns/${name}`;
  return (await store.txn({ compare: [], success: [{ type: 'delete', key }], failure: [] })).revision;
}

function summary(events: readonly OutEvent[]): string[] {
  return events.map((event) =>
    event.type === 'BOOKMARK'
      ? `BOOKMARK ${event.revision}`
      : `${event.type} ${event.entry.name} ${event.entry.object.metadata.resourceVersion}`,
  );
}

test('CACHE-2 the cache holds what was stored before and after its start, with the resourceVersion put in', async () => {
  const { store, cache, pods } = await fixture();
  await put(store, 'a');
  await cache.start();
  const revision = await put(store, 'b');
  assert.equal(await cache.waitFor(revision, 1000), true);
  assert.deepEqual(
    pods.list('ns/').map((entry) => JSON.parse(entry.bytes.toString()).metadata.resourceVersion),
    ['2', '3'],
  );
  cache.stop();
});

test('A2 a watch from a past version replays what it missed, in order, each once', async () => {
  const { store, cache, pods } = await fixture();
  await cache.start();
  await put(store, 'a');
  await put(store, 'b');
  const last = await remove(store, 'a');
  await cache.waitFor(last, 1000);
  const watcher = pods.watchFrom(2, everything, { wantsBookmarks: false });
  assert.deepEqual(summary(watcher?.take() ?? []), ['ADDED b 3', 'DELETED a 4']);
  await cache.waitFor(await put(store, 'b', 'blue'), 1000);
  assert.deepEqual(summary(watcher?.take() ?? []), ['MODIFIED b 5']);
  cache.stop();
});

test('A2 an object that enters a selection is ADDED, one that leaves it is DELETED in its old state at the new version', async () => {
  const { store, cache, pods } = await fixture();
  await cache.start();
  const watcher = pods.watchFromNow(cache.revision, onlyBlue, { wantsBookmarks: false });
  await put(store, 'a', 'red');
  await put(store, 'a', 'blue');
  await cache.waitFor(await put(store, 'a', 'green'), 1000);
  const events = watcher.take();
  assert.deepEqual(summary(events), ['ADDED a 3', 'DELETED a 4']);
  const last = events[1];
  assert.equal(last?.type !== 'BOOKMARK' && last?.entry.object.metadata.labels?.['color'], 'blue');
  cache.stop();
});

test('A2 a watch from before the kept history is refused', async () => {
  const { store, cache, pods } = await fixture();
  await put(store, 'a');
  await cache.start();
  assert.equal(pods.watchFrom(1, everything, { wantsBookmarks: false }), undefined);
  cache.stop();
});

test('A2 after a lost history the cache loads anew, ends open watches and refuses old versions', async () => {
  const { store, cache, pods } = await fixture();
  await cache.start();
  await cache.waitFor(await put(store, 'a'), 1000);
  const watcher = pods.watchFrom(2, everything, { wantsBookmarks: false });
  store.holdBack(true);
  await remove(store, 'a');
  await put(store, 'b');
  store.breakWatches();
  store.holdBack(false);
  await eventually('reloaded', () => cache.isSynced && cache.revision === 4);
  assert.equal(watcher?.ended, 'expired');
  assert.deepEqual(
    pods.list().map((entry) => entry.name),
    ['b'],
  );
  assert.equal(pods.watchFrom(3, everything, { wantsBookmarks: false }), undefined);
  cache.stop();
});

test('a reader that is too slow is closed at a bounded buffer', async () => {
  const { store, cache, pods } = await fixture();
  await cache.start();
  const watcher = pods.watchFromNow(cache.revision, everything, { wantsBookmarks: false });
  for (let i = 0; i <= WATCH_BUFFER_EVENTS_MAX; i++) {
    pods.put('ns/a', 10 + i, pod('a'), 0);
  }
  assert.equal(watcher.ended, 'too-slow');
  assert.equal(pods.watcherCount, 0);
  cache.stop();
  store.close();
});

test('E1 a fresh read sees every write acknowledged before it, even when the watch lags', async () => {
  const { store, cache, pods } = await fixture();
  await cache.start();
  const freshness = new Freshness(store, cache);
  store.holdBack(true);
  await put(store, 'a');
  let fresh = false;
  const read = freshness.upToDate().then(() => (fresh = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(fresh, false);
  store.holdBack(false);
  await read;
  assert.equal(pods.size, 1);
  cache.stop();
});

test('readers of one turn share one question to the store', async () => {
  const { store, cache } = await fixture();
  await cache.start();
  let asked = 0;
  const range = store.range.bind(store);
  store.range = (request) => {
    asked++;
    return range(request);
  };
  const freshness = new Freshness(store, cache);
  await Promise.all([freshness.upToDate(), freshness.upToDate(), freshness.upToDate()]);
  assert.equal(asked, 1);
  cache.stop();
});
