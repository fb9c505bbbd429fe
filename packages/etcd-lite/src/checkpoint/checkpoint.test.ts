import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must, silentLogger } from '@kubelab/component-base';
import { confOf } from 'raft-consensus';
import { BEYOND_ALL_KEYS, type KeyRange } from '../core/keys.ts';
import { AuthStore } from '../core/auth/auth-store.ts';
import { Lessor } from '../core/lessor.ts';
import { Members } from '../core/members.ts';
import { MvccStore } from '../core/mvcc-store.ts';
import type { State } from '../core/state-machine.ts';
import { Checkpointer } from '../shell/checkpointer.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { stateRecords } from './checkpoint-state.ts';

const ALL: KeyRange = { start: '', end: BEYOND_ALL_KEYS };
const metadata = { index: 10, term: 2, conf: confOf(['a', 'b']) };

function newState(): State {
  return {
    store: new MvccStore(),
    lessor: new Lessor(),
    auth: new AuthStore(),
    alarms: new Map(),
    members: new Members(),
  };
}

function put(state: State, key: string, value: string, lease = 0): void {
  const txn = state.store.begin();
  txn.put(key, Buffer.from(value), lease);
  txn.commit();
  state.lessor.attach(key, lease);
}

function dump(store: MvccStore): unknown[] {
  return [...store.histories()].map(({ text, versions }) => [
    text,
    versions.map(({ modRevision, createRevision, version, value, lease, sub }) => [
      [modRevision, createRevision, version, lease, sub],
      Buffer.from(value).toString(),
    ]),
  ]);
}

const checkpointerOn = (disk: MemoryDisk): Checkpointer => new Checkpointer(disk, '/snap', 7, silentLogger);

describe('checkpoints', () => {
  test('hold everything: history, deletions, leases with their keys, alarms, members', async () => {
    const disk = new MemoryDisk();
    const state = newState();
    state.lessor.grant(5, 60, 40);
    state.alarms.set('1/1', { memberID: 1, alarm: 1 });
    const member = { raftId: 'a', peerUrls: ['http://y'], isLearner: true, autoPromote: true };
    state.members.apply({ kind: 'add', member, learnersMax: 1 });
    state.members.publish('a', 'one', ['http://x'], 'L');
    for (let i = 0; i < 500; i++) put(state, `k${i % 200}`, `v${i}`, i % 3 === 0 ? 5 : 0);
    const txn = state.store.begin();
    for (const { history } of txn.deleteRange({ start: 'k1', end: 'k11' }))
      state.lessor.attach(history.text, 0);
    txn.commit();
    state.store.compact(100);
    while (state.store.sweep());
    await checkpointerOn(disk).write(() => ({ state, metadata }));
    const loaded = must(await checkpointerOn(disk).load());
    assert.deepEqual(JSON.parse(JSON.stringify(loaded.metadata)), metadata);
    assert.deepEqual(dump(loaded.state.store), dump(state.store));
    assert.deepEqual([loaded.state.store.revision, loaded.state.store.compactRevision], [502, 100]);
    const lease = must(loaded.state.lessor.get(5));
    assert.deepEqual(
      [lease.ttl, lease.remainingTtl, [...lease.keys].sort()],
      [60, 40, [...must(state.lessor.get(5)).keys].sort()],
    );
    assert.equal(loaded.state.alarms.size, 1);
    const plain = ({ members }: State): object[] => members.all().map((each) => ({ ...each }));
    assert.deepEqual(plain(loaded.state), plain(state));
    const { log, start } = loaded.state.store.changesSince(100);
    assert.deepEqual(
      log.slice(start).map(({ modRevision, sub }) => [modRevision, sub]),
      state.store.changesSince(100).log.map(({ modRevision, sub }) => [modRevision, sub]),
    );
  });

  test('CKPT-1 the state goes on changing, and is compacted, while a checkpoint of it is written', () => {
    const state = newState();
    for (let i = 0; i < 1000; i++) put(state, `k${i}`, 'before');
    put(state, 'k500', 'twice');
    const records = stateRecords(state, metadata, 7);
    const taken = [records.next().value, records.next().value];
    const { revision } = state.store;
    for (let i = 0; i < 1000; i++) put(state, `k${i}`, 'after');
    for (let i = 0; i < 50; i++) put(state, `l${i}`, 'new');
    state.store.compact(state.store.revision);
    taken.push(...records);
    const versions = taken.flatMap((record) => record?.versions ?? []);
    assert.equal(versions.length, 1001);
    assert.ok(versions.every(({ modRevision }) => modRevision <= revision));
    // And once it is done, what was compacted meanwhile goes.
    while (state.store.sweep());
    assert.equal(
      state.store.range(ALL, 0).kvs.every(({ history }) => history.versions.length === 1),
      true,
    );
  });

  test('a damaged one is passed over in favour of the one before it', async () => {
    const disk = new MemoryDisk();
    const checkpointer = checkpointerOn(disk);
    const state = newState();
    put(state, 'a', '1');
    await checkpointer.write(() => ({ state, metadata }));
    put(state, 'a', '2');
    assert.equal(await checkpointer.write(() => ({ state, metadata: { ...metadata, index: 20 } })), 10);
    const newest = must(disk.files.get(checkpointer.path({ index: 20, term: 2 })));
    for (const damage of [
      (): unknown => (newest[60] = (newest[60] ?? 0) ^ 1),
      (): Buffer => newest.fill(0, newest.length - 8),
    ]) {
      damage();
      const loaded = must(await checkpointerOn(disk).load());
      assert.equal(loaded.metadata.index, 10);
    }
  });

  test('only the newest two are kept', async () => {
    const disk = new MemoryDisk();
    const checkpointer = checkpointerOn(disk);
    for (const index of [10, 20, 30, 40])
      await checkpointer.write(() => ({ state: newState(), metadata: { ...metadata, index } }));
    assert.equal((await disk.list('/snap')).length, 2);
  });
});
