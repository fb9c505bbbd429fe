import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import fc from 'fast-check';
import { DatabaseDamagedError, DatabaseReader } from '../bbolt/reader.ts';
import { bucketOf, type BucketSource, piecesOf, planDatabase } from '../bbolt/writer.ts';
import { AuthStore } from '../core/auth/auth-store.ts';
import { parseRevision, revisionBytes } from '../core/backend-entry.ts';
import { hashKv } from '../core/hash-kv.ts';
import { Lessor } from '../core/lessor.ts';
import { Members } from '../core/members.ts';
import { MvccStore } from '../core/mvcc-store.ts';
import type { State } from '../core/state-machine.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { BUCKETS, keyValueCodec, META_KEYS, uint64 } from './buckets.ts';
import { exportState } from './export.ts';
import { importState } from './import.ts';

const POSITION = { index: 12, term: 3 };

function newState(): State {
  const member = { raftId: 'abc123', peerUrls: ['http://peer'], isLearner: false, autoPromote: false };
  const members = new Members();
  members.apply({ kind: 'add', member, learnersMax: 1 });
  return { store: new MvccStore(), lessor: new Lessor(), auth: new AuthStore(), alarms: new Map(), members };
}

function put(state: State, key: string, value: string, lease: number | bigint = 0): void {
  const txn = state.store.begin();
  txn.put(key, Buffer.from(value), lease);
  txn.commit();
  state.lessor.attach(key, lease);
}

function remove(state: State, start: string, end?: string): void {
  const txn = state.store.begin();
  for (const { history } of txn.deleteRange({ start, end })) state.lessor.attach(history.text, 0);
  txn.commit();
}

function finish<T>(work: Generator<undefined, T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

function write(buckets: readonly BucketSource[]): Promise<DatabaseReader> {
  return open(Buffer.concat([...piecesOf(finish(planDatabase(buckets)), 8192)]));
}

async function open(bytes: Buffer): Promise<DatabaseReader> {
  const disk = new MemoryDisk();
  disk.files.set('/db', bytes);
  return DatabaseReader.open(await disk.open('/db'), '/db');
}

const exported = (state: State): BucketSource[] => finish(exportState(state, POSITION));
const hashOf = ({ store }: State, revision: number): number => finish(hashKv(store, revision)).hash;

function dump({ store, lessor, auth, alarms }: State): unknown {
  return {
    revisions: [store.revision, store.compactRevision],
    keys: [...store.histories()].map(({ text, versions }) => [
      text,
      versions.map(({ modRevision, createRevision, version, value, lease, sub }) => [
        [modRevision, createRevision, version, lease, sub],
        Buffer.from(value).toString(),
      ]),
    ]),
    leases: [...lessor.all()]
      .map(({ id, ttl, remainingTtl, keys }) => [String(id), ttl, remainingTtl, [...keys].sort()].join())
      .sort(),
    auth: JSON.stringify(auth.stored()),
    alarms: [...alarms.values()].map(({ memberID, alarm }) => [memberID, alarm]),
  };
}

/** Entries of a database, to be changed and written again. */
type Content = Map<string, [Uint8Array, Uint8Array][]>;

async function contentOf(database: DatabaseReader): Promise<Content> {
  const content: Content = new Map();
  for (const name of database.bucketNames) {
    const entries: [Uint8Array, Uint8Array][] = [];
    for await (const leaf of database.leaves(name))
      for (const { key, value } of leaf.entries) entries.push([Buffer.from(key), Buffer.from(value)]);
    content.set(name, entries);
  }
  return content;
}

const fromContent = (content: Content): Promise<DatabaseReader> =>
  write([...content].map(([name, entries]) => bucketOf(name, entries)));

describe("etcd's database", () => {
  test('a state exported and imported again is the same: keys, deletions, leases, auth, alarms', async () => {
    const state = newState();
    state.lessor.grant(5, 60, 40);
    state.lessor.grant(0x7000_0000_0000_0001n, 100);
    state.alarms.set('7/1', { memberID: 7, alarm: 1 });
    state.auth.addUser('root', Buffer.from('$2b$04$hash'), false);
    state.auth.addRole('root');
    state.auth.grantRole('root', 'root');
    state.auth.addUser('certified', new Uint8Array(), true);
    state.auth.addRole('reader');
    state.auth.grantPermission('reader', { permType: 0, key: Buffer.from('k'), rangeEnd: Buffer.from('l') });
    state.auth.enable();
    for (let i = 0; i < 400; i++) put(state, `k${i % 150}`, `v${i}`, i % 3 === 0 ? 5 : 0);
    put(state, 'large', 'x'.repeat(20_000), 0x7000_0000_0000_0001n);
    remove(state, 'k1', 'k11');
    remove(state, 'k2');
    assert.deepEqual(dump(await importState(await write(exported(state)))), dump(state));
    state.store.compact(300);
    while (state.store.sweep());
    const imported = await importState(await write(exported(state)));
    assert.deepEqual(dump(imported), dump(state));
    for (const revision of [300, 350, 0]) assert.equal(hashOf(imported, revision), hashOf(state, revision));
  });

  test('any history is the same after a way through the file', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.string({ maxLength: 5 }),
      kind: fc.constantFrom('put', 'put', 'put', 'delete', 'compact'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const state = newState();
        const { store } = state;
        for (const { kind, key, value } of steps) {
          if (kind === 'put') put(state, key, value);
          else if (kind === 'delete') remove(state, key);
          else if (store.compactRevision < store.revision) store.compact(store.revision);
        }
        while (store.sweep());
        assert.deepEqual(dump(await importState(await write(exported(state)))), dump(state));
      }),
      { numRuns: 60 },
    );
  });

  test('SNAP-1 what is written, deleted or compacted meanwhile is not in the snapshot', async () => {
    const state = newState();
    for (let i = 0; i < 2000; i++) put(state, `k${i}`, 'before');
    const expected = dump(state);
    const work = exportState(state, POSITION);
    let step = work.next();
    for (let i = 0; step.done !== true; i++) {
      put(state, `k${i * 3}`, 'after');
      put(state, `new${i}`, 'x');
      remove(state, `k${i * 5 + 1}`);
      state.lessor.grant(i + 1, 60);
      state.store.compact(state.store.revision);
      state.store.sweep();
      step = work.next();
    }
    while (state.store.sweep());
    assert.deepEqual(dump(await importState(await write(step.value))), expected);
  });

  test('a raised revision: everything before is compacted, what is alive stays', async () => {
    const state = newState();
    put(state, 'a', '1');
    put(state, 'a', '2');
    put(state, 'b', '1');
    remove(state, 'b');
    const { store } = await importState(await write(exported(state)), 1000);
    assert.deepEqual([store.revision, store.compactRevision], [1005, 1005]);
    assert.equal(store.keyCount, 1);
    assert.equal(must(store.get('a', 1005)).modRevision, 3);
    assert.throws(() => store.range({ start: 'a', end: undefined }, 1004), /compacted/);
  });

  test('a compaction that was under way is ended; a revision that was only reserved counts', async () => {
    const state = newState();
    for (let i = 0; i < 10; i++) put(state, 'a', `v${i}`);
    const content = await contentOf(await write(exported(state)));
    const revision = (main: number): Buffer => revisionBytes({ main, sub: 0, isTombstone: false });
    must(content.get(BUCKETS.meta)).push([Buffer.from(META_KEYS.scheduledCompact), revision(8)]);
    must(content.get(BUCKETS.key)).push([revision(500), Buffer.alloc(0)]);
    const { store } = await importState(await fromContent(content));
    assert.deepEqual([store.revision, store.compactRevision], [500, 8]);
    assert.deepEqual(
      [...store.histories()].map(({ versions }) => versions.map(({ modRevision }) => modRevision)),
      [[8, 9, 10, 11]],
    );
  });

  test('of two versions of a key in one revision, which etcd lets happen, the last counts', async () => {
    const content = await contentOf(await write(exported(newState())));
    const put1 = {
      key: Buffer.from('a'),
      createRevision: 2,
      modRevision: 2,
      version: 1,
      value: Buffer.from('x'),
    };
    const entries: [Uint8Array, Uint8Array][] = [
      [revisionBytes({ main: 2, sub: 0, isTombstone: false }), keyValueCodec.encode(put1)],
      [
        revisionBytes({ main: 2, sub: 1, isTombstone: true }),
        keyValueCodec.encode({ key: Buffer.from('a') }),
      ],
    ];
    content.set(BUCKETS.key, entries);
    const { store } = await importState(await fromContent(content));
    assert.equal(store.revision, 2);
    assert.equal(store.get('a', 2), undefined);
  });

  test('what etcd would not have written is refused, with the place', async () => {
    const state = newState();
    put(state, 'a', '1');
    const kv = { key: Buffer.from('a'), createRevision: 2, modRevision: 2, version: 1 };
    const at2 = revisionBytes({ main: 2, sub: 0, isTombstone: false });
    const cases: readonly [bucket: string, key: Uint8Array, value: Uint8Array, message: RegExp][] = [
      [BUCKETS.key, Buffer.from('nonsense'), keyValueCodec.encode(kv), /its key is no revision/],
      [BUCKETS.key, at2, Buffer.from([0x0a, 0x7f]), /index out of range|beyond/],
      [
        BUCKETS.key,
        at2,
        keyValueCodec.encode({ ...kv, modRevision: 9 }),
        /revision 2, its value version 1 of 9 since 2/,
      ],
      [BUCKETS.key, at2, keyValueCodec.encode({ ...kv, key: Buffer.alloc(0) }), /a version of no key/],
      [BUCKETS.lease, uint64(1), Buffer.alloc(0), /a lease without an id/],
      [
        BUCKETS.meta,
        Buffer.from(META_KEYS.finishedCompact),
        Buffer.from('x'),
        /finishedCompactRev is no revision/,
      ],
    ];
    for (const [bucket, key, value, message] of cases) {
      const content = await contentOf(await write(exported(state)));
      content.set(bucket, [[key, value]]);
      const database = await fromContent(content);
      await assert.rejects(importState(database), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /^database damaged: \/db, page \d+ at offset \d+: /);
        return true;
      });
    }
  });

  test('whatever byte is wrong: the database is read, or refused as damaged; nothing else happens', async () => {
    const state = newState();
    state.lessor.grant(5, 60);
    state.auth.addUser('root', Buffer.from('$2b$04$hash'), false);
    state.auth.addRole('root');
    state.auth.grantRole('root', 'root');
    state.auth.enable();
    for (let i = 0; i < 60; i++) put(state, `k${i % 20}`, `v${i}`, i % 3 === 0 ? 5 : 0);
    remove(state, 'k1', 'k15');
    state.store.compact(30);
    const pieces = piecesOf(finish(planDatabase(exported(state))), 8192);
    const file = Buffer.concat([...pieces]);
    const written = [...file.keys()].filter((at) => file[at] !== 0);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...written), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const copy = Buffer.from(file);
        copy[at] = (copy[at] ?? 0) ^ flip;
        try {
          await importState(await open(copy));
        } catch (error) {
          assert.ok(error instanceof DatabaseDamagedError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('revisions are keys as etcd has them', () => {
    const bytes = revisionBytes({ main: 2 ** 33 + 5, sub: 7, isTombstone: true });
    assert.equal(bytes.toString('hex'), '00000002000000055f000000000000000774');
    assert.deepEqual(parseRevision(bytes), { main: 2 ** 33 + 5, sub: 7, isTombstone: true });
    assert.equal(parseRevision(bytes.subarray(0, 16)), undefined);
  });
});

describe('HashKV', () => {
  test('is the hash that etcd 3.4 answers for the same history', () => {
    // Taken from `etcdctl endpoint hashkv` of a real etcd after these requests.
    const state = newState();
    for (let i = 1; i <= 20; i++) put(state, `k${i}`, `v${i}`);
    assert.equal(hashOf(state, 10), 258605079);
  });

  test('a version compacted away, or replaced up to the revision, does not count', () => {
    const one = newState();
    const other = newState();
    for (const state of [one, other]) {
      put(state, 'a', '1');
      put(state, 'b', '1');
    }
    put(one, 'a', 'two');
    put(other, 'a', '2');
    for (const state of [one, other]) put(state, 'a', '3');
    assert.notEqual(hashOf(one, 0), hashOf(other, 0));
    for (const { store } of [one, other]) store.compact(4);
    assert.equal(hashOf(one, 0), hashOf(other, 0));
    assert.notEqual(hashOf(one, 4), hashOf(other, 4));
  });

  test('refuses revisions that are compacted or to come', () => {
    const state = newState();
    for (let i = 0; i < 5; i++) put(state, 'a', `${i}`);
    state.store.compact(4);
    assert.throws(() => hashOf(state, 3), /compacted/);
    assert.throws(() => hashOf(state, 7), /future/);
  });
});
