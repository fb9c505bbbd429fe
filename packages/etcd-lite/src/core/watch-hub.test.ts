import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import type { Event } from '@kubelab/rpc/etcd';
import { BEYOND_ALL_KEYS, keyText } from './keys.ts';
import { MvccStore } from './mvcc-store.ts';
import { WatchHub, type Watcher, type WatchSink } from './watch-hub.ts';

/** A client that can stop reading. */
class Client implements WatchSink {
  writable = true;
  readonly seen: string[] = [];
  readonly batches: number[][] = [];
  compactedAt: number | undefined;
  isBehind = false;

  isWritable(): boolean {
    return this.writable;
  }
  events(_watcher: Watcher, events: readonly Event[]): void {
    this.batches.push(events.map(({ kv }) => kv.modRevision));
    for (const { kv, type } of events) this.seen.push(`${kv.modRevision}:${keyText(kv.key)}:${type}`);
  }
  compacted(_watcher: Watcher, revision: number): void {
    this.compactedAt = revision;
  }
  behind(): void {
    this.isBehind = true;
  }
}

class World {
  store = new MvccStore();
  readonly hub = new WatchHub(() => this.store);
  readonly history: { revision: number; key: string; type: number }[] = [];

  write(puts: readonly string[], deletes: readonly string[] = []): void {
    const txn = this.store.begin();
    for (const key of puts) txn.put(key, Buffer.from('x'), 0);
    for (const key of deletes) txn.deleteRange({ start: key, end: undefined });
    txn.commit();
    for (const { modRevision, history, version } of txn.changes) {
      this.history.push({ revision: modRevision, key: history.text, type: version === 0 ? 1 : 0 });
    }
    this.hub.publish(txn.changes);
  }

  watch(
    client: Client,
    nextRevision = this.store.revision + 1,
    start = '',
    end: string | undefined = BEYOND_ALL_KEYS,
  ): Watcher {
    const watcher: Watcher = {
      range: { start, end },
      filters: [],
      prevKv: false,
      nextRevision,
      sink: client,
    };
    this.hub.add(watcher);
    return watcher;
  }

  catchUp(watcher: Watcher): void {
    while (this.hub.catchUp(watcher));
  }

  expected(from: number): string[] {
    return this.history
      .filter(({ revision }) => revision >= from)
      .map(({ revision, key, type }) => `${revision}:${key}:${type}`);
  }
}

describe('watching', () => {
  test('WATCH-1 a client that stops reading now and then misses nothing and gets nothing twice', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const world = new World();
      const client = new Client();
      const watcher = world.watch(client, 2);
      for (let step = 0; step < 200; step++) {
        const keys = ['a', 'b', 'c'].filter(() => random.int(2) === 0);
        if (random.int(5) === 0) world.write([], keys);
        else if (keys.length > 0) world.write(keys);
        if (random.int(4) === 0) client.writable = !client.writable;
        if (random.int(4) === 0) world.catchUp(watcher);
      }
      client.writable = true;
      world.catchUp(watcher);
      assert.deepEqual(client.seen, world.expected(2), `seed ${seed}`);
      for (let i = 1; i < client.batches.length; i++) {
        assert.ok(
          (client.batches[i]?.[0] ?? 0) > (client.batches[i - 1]?.at(-1) ?? 0),
          'a revision was split',
        );
      }
    }
  });

  test('WATCH-1 a long history comes in pieces that never split a revision', () => {
    const world = new World();
    for (let i = 0; i < 600; i++) world.write(['a', 'b', 'c']);
    const client = new Client();
    const watcher = world.watch(client, 2);
    world.catchUp(watcher);
    assert.deepEqual(client.seen, world.expected(2));
    assert.ok(client.batches.length > 2);
    assert.equal(world.hub.isSynced(watcher), true);
  });

  test('WATCH-2 a watcher that needs a compacted revision is cancelled', () => {
    const world = new World();
    for (let i = 0; i < 5; i++) world.write(['a']);
    const client = new Client();
    const watcher = world.watch(client, 3);
    client.writable = false;
    world.store.compact(5);
    client.writable = true;
    world.catchUp(watcher);
    assert.deepEqual([client.compactedAt, client.seen], [5, []]);
  });

  test('WATCH-3 a watcher that starts in the future gets nothing from before, whatever happens meanwhile', () => {
    const world = new World();
    const client = new Client();
    const watcher = world.watch(client, 5);
    world.write(['a']);
    client.writable = false;
    world.write(['a']);
    client.writable = true;
    world.catchUp(watcher);
    world.write(['a']);
    world.write(['a']);
    assert.deepEqual(client.seen, ['5:a:0']);
  });

  test('after the state was replaced by a newer one, watchers read on from where they were', () => {
    const world = new World();
    const client = new Client();
    const late = new Client();
    const watcher = world.watch(client);
    const future = world.watch(late, 6);
    world.write(['a']);
    world.write(['b']);
    const ahead = new World();
    for (const key of ['a', 'b', 'c', 'd', 'e']) ahead.write([key]);
    world.hub.beforeRestore();
    world.store = ahead.store;
    world.hub.restored();
    world.catchUp(watcher);
    world.catchUp(future);
    assert.deepEqual(client.seen, ['2:a:0', '3:b:0', '4:c:0', '5:d:0', '6:e:0']);
    assert.deepEqual(late.seen, ['6:e:0']);
  });

  test('a watcher of one key sees that key only', () => {
    const world = new World();
    const client = new Client();
    const range = { start: 'b', end: undefined };
    world.hub.add({ range, filters: [], prevKv: false, nextRevision: 2, sink: client });
    world.write(['a', 'b', 'bb']);
    assert.deepEqual(client.seen, ['2:b:0']);
  });
});
