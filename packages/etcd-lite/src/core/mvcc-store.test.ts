import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import { versionsByRevision } from './by-revision.ts';
import type { EtcdError } from './errors.ts';
import { BEYOND_ALL_KEYS, type KeyRange } from './keys.ts';
import { MvccStore } from './mvcc-store.ts';

const ALL: KeyRange = { start: '', end: BEYOND_ALL_KEYS };
const KEYS = ['a', 'b', 'c', 'd'];

function put(store: MvccStore, key: string, value: string): number {
  const txn = store.begin();
  txn.put(key, Buffer.from(value), 0);
  txn.commit();
  return store.revision;
}

function remove(store: MvccStore, key: string): number {
  const txn = store.begin();
  txn.deleteRange({ start: key, end: undefined });
  txn.commit();
  return store.revision;
}

function contents(store: MvccStore, revision = 0): Record<string, string> {
  return Object.fromEntries(
    store.range(ALL, revision).kvs.map((kv) => [kv.history.text, Buffer.from(kv.value).toString()]),
  );
}

/** The plainest possible store: a copy of everything for each revision. */
class Model {
  readonly states: Record<string, string>[] = [{}, {}];
  readonly changes: { revision: number; key: string }[] = [];

  apply(random: Random, store: MvccStore): void {
    const state = { ...this.states.at(-1) };
    const txn = store.begin();
    const changed: string[] = [];
    for (const key of KEYS) {
      const dice = random.int(6);
      if (dice === 0) {
        const value = String(random.int(1000));
        txn.put(key, Buffer.from(value), 0);
        state[key] = value;
        changed.push(key);
      } else if (dice === 1 && state[key] !== undefined) {
        txn.deleteRange({ start: key, end: undefined });
        delete state[key];
        changed.push(key);
      }
    }
    txn.commit();
    if (changed.length === 0) return;
    this.states.push(state);
    for (const key of changed) this.changes.push({ revision: store.revision, key });
  }
}

describe('the versioned store', () => {
  for (let seed = 1; seed <= 20; seed++) {
    test(`MVCC-1 MVCC-2 MVCC-3 it agrees with a model that copies everything, compaction included (seed ${seed})`, () => {
      const random = seededRandom(seed);
      const store = new MvccStore();
      const model = new Model();
      let compacted = -1;
      for (let step = 0; step < 120; step++) {
        model.apply(random, store);
        if (random.int(20) === 0 && store.revision > Math.max(compacted, 1)) {
          compacted = Math.max(compacted, 1) + 1 + random.int(store.revision - Math.max(compacted, 1));
          store.compact(compacted);
          if (random.int(2) === 0) while (store.sweep());
        }
        assert.equal(store.revision, model.states.length - 1);
        for (let revision = Math.max(compacted, 1); revision <= store.revision; revision++) {
          assert.deepEqual(
            contents(store, revision),
            model.states[revision],
            `at ${revision} after step ${step}`,
          );
        }
        const from = Math.max(compacted, 1);
        const { log, start } = store.changesSince(from);
        assert.deepEqual(
          log.slice(start).map((change) => ({ revision: change.modRevision, key: change.history.text })),
          model.changes.filter(({ revision }) => revision >= from),
        );
      }
    });
  }

  test('reading a compacted or a future revision is refused', () => {
    const store = new MvccStore();
    put(store, 'a', '1');
    put(store, 'a', '2');
    store.compact(3);
    const reasonOf = (read: () => unknown): string | undefined => {
      try {
        read();
        return undefined;
      } catch (error) {
        return (error as EtcdError).reason;
      }
    };
    assert.equal(
      reasonOf(() => store.range(ALL, 2)),
      'compacted',
    );
    assert.equal(
      reasonOf(() => store.range(ALL, 4)),
      'futureRevision',
    );
    assert.equal(
      reasonOf(() => store.range(ALL, 3)),
      undefined,
    );
    assert.equal(
      reasonOf(() => store.compact(3)),
      'compacted',
    );
    assert.equal(
      reasonOf(() => store.compact(9)),
      'futureRevision',
    );
  });

  test('compaction of a key with many versions takes as long as there are versions, not that squared', () => {
    const store = new MvccStore();
    for (let i = 0; i < 60_000; i++) {
      const txn = store.begin();
      txn.put('hot', Buffer.alloc(40), 0);
      txn.commit();
    }
    store.compact(30_000);
    const startMs = performance.now();
    while (store.sweep());
    assert.ok(performance.now() - startMs < 2000, 'it took 7 s once');
    assert.equal(store.changesSince(30_000).log.length, 30_002);
  });

  test('a key may have more versions than a call can have arguments', () => {
    const store = new MvccStore();
    for (let i = 0; i < 150_000; i++) {
      const txn = store.begin();
      txn.put('hot', Buffer.alloc(4), 0);
      txn.commit();
    }
    const walk = versionsByRevision(store, (history) => history.versions);
    let step = walk.next();
    while (step.done !== true) step = walk.next();
    assert.equal(step.value.length, 150_000);
  });

  test('compaction gives the space of what nobody can read any more back', () => {
    const store = new MvccStore();
    for (let i = 0; i < 100; i++) put(store, 'a', 'x'.repeat(100));
    const gone = put(store, 'b', 'y'.repeat(100));
    remove(store, 'b');
    put(store, 'c', 'z');
    assert.ok(store.bytes > 10_000);
    store.compact(store.revision);
    while (store.sweep());
    assert.ok(store.bytes < 110, `${store.bytes} bytes`);
    assert.equal(store.keyCount, 2);
    assert.ok(gone > 0);
  });

  test('a sweep waits for whoever walks the store', () => {
    const store = new MvccStore();
    put(store, 'a', '1');
    put(store, 'a', '2');
    const walk = store.walk(1);
    const [history] = walk.next().value ?? [];
    store.compact(3);
    assert.equal(store.sweep(), false);
    assert.equal(history?.versions.length, 2);
    walk.return(undefined);
    assert.equal(store.sweep(), true);
    assert.equal(history?.versions.length, 1);
  });
});
