import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { freePort, startRealEtcd, type TestStore } from '../testing/real-etcd.ts';
import { EtcdClient } from './client.ts';
import { bytesOf, CompareTarget, type Event, isCompacted, prefixEnd, textOf } from './index.ts';

let store: TestStore;
let client: EtcdClient;

before(async () => {
  store = await startRealEtcd();
  // The first endpoint is dead: every call must get past it.
  const dead = `http://127.0.0.1:${await freePort()}`;
  client = new EtcdClient({ endpoints: [dead, ...store.endpoints], log: silentLogger, clock: realClock });
});
after(async () => {
  client.close();
  await store.stop();
});

test('a write never sent to a dead endpoint is sent to the next', async () => {
  await client.put({ key: bytesOf('first'), value: bytesOf('1') });
  const { kvs } = await client.range({ key: bytesOf('first') });
  assert.equal(textOf(kvs[0]?.value ?? bytesOf('')), '1');
});

test('create by a transaction succeeds once and then gives the present value', async () => {
  const key = bytesOf('/registry/pods/default/web');
  const create = (value: string) =>
    client.txn({
      compare: [{ key, target: CompareTarget.MOD, modRevision: 0 }],
      success: [{ requestPut: { key, value: bytesOf(value) } }],
      failure: [{ requestRange: { key } }],
    });
  assert.equal((await create('a')).succeeded, true);
  const second = await create('b');
  assert.equal(second.succeeded, false);
  assert.equal(textOf(second.responses[0]?.responseRange?.kvs[0]?.value ?? bytesOf('')), 'a');
});

test('a watch gives each change once, in order, with the previous value', async () => {
  const prefix = bytesOf('w/');
  const events: Event[] = [];
  let createdAt = 0;
  const watch = client.watch(
    { key: prefix, rangeEnd: prefixEnd(prefix), prevKv: true },
    {
      onCreated: (revision) => (createdAt = revision),
      onEvents: (batch) => events.push(...batch),
      onEnd: () => undefined,
    },
  );
  await eventually('created', () => createdAt > 0);
  await client.put({ key: bytesOf('w/a'), value: bytesOf('1') });
  await client.put({ key: bytesOf('w/a'), value: bytesOf('2') });
  await client.deleteRange({ key: bytesOf('w/a') });
  await eventually('three events', () => events.length === 3);
  assert.deepEqual(
    events.map((event) => [event.type, textOf(event.kv.value), textOf(event.prevKv?.value ?? bytesOf('-'))]),
    [
      [0, '1', '-'],
      [0, '2', '1'],
      [1, '', '2'],
    ],
  );
  watch.close();
});

test('a watch from a compacted revision ends with that error', async () => {
  const { header } = await client.put({ key: bytesOf('c'), value: bytesOf('1') });
  await client.put({ key: bytesOf('c'), value: bytesOf('2') });
  await client.compact({ revision: header.revision + 1 });
  const ended = await new Promise((resolve) => {
    client.watch(
      { key: bytesOf('c'), startRevision: header.revision },
      { onEvents: () => undefined, onEnd: resolve },
    );
  });
  assert.equal(isCompacted(ended), true);
});

test('a lease is granted, kept alive and revoked with its keys', async () => {
  const { ID } = await client.leaseGrant({ TTL: 60 });
  await client.put({ key: bytesOf('leased'), value: bytesOf('1'), lease: ID });
  assert.equal((await client.leaseKeepAlive(ID)).TTL, 60);
  assert.deepEqual((await client.leaseTimeToLive({ ID, keys: true })).keys.map(textOf), ['leased']);
  await client.leaseRevoke({ ID });
  assert.equal((await client.range({ key: bytesOf('leased') })).count, 0);
  assert.equal((await client.leaseKeepAlive(ID)).TTL, 0);
});

test('status names the leader among the members', async () => {
  const [{ leader, version }, { members }] = await Promise.all([
    client.status(store.endpoints[0]),
    client.memberList(),
  ]);
  assert.match(version, /^3\./);
  assert.deepEqual(
    members.map(({ ID }) => ID),
    [leader],
  );
});

test('closing the client ends its watches', async () => {
  const own = new EtcdClient({ endpoints: store.endpoints, log: silentLogger, clock: realClock });
  const ended = await new Promise((resolve) => {
    own.watch(
      { key: bytesOf('x') },
      { onCreated: () => own.close(), onEvents: () => undefined, onEnd: resolve },
    );
  });
  assert.equal(ended, undefined);
});
