import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { must, realClock, seededRandom, silentLogger } from '@kubelab/component-base';
import { EtcdClient } from '@kubelab/rpc/client';
import type { TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const SEED = Number(process.env['SEED'] ?? 11);
const REQUESTS = Number(process.env['REQUESTS'] ?? 150);

interface Store {
  readonly store: TestStore;
  readonly client: EtcdClient;
}

describe('HashKV of the same history on a real etcd and on ours', {
  skip: targets.map(({ skip }) => skip).find((skip) => skip !== false) ?? false,
}, () => {
  const stores: Store[] = [];
  before(async () => {
    for (const target of targets) {
      const store = await target.start();
      const client = new EtcdClient({ endpoints: store.endpoints, log: silentLogger, clock: realClock });
      stores.push({ store, client });
    }
  });
  after(async () => {
    for (const { store, client } of stores) {
      client.close();
      await store.stop();
    }
  });

  /** The same request to both; what each answered. */
  const both = <T>(request: (client: EtcdClient) => Promise<T>): Promise<T[]> =>
    Promise.all(stores.map(({ client }) => request(client)));

  /** At a revision: hash, compacted revision, and the revision hashed. */
  async function hashes(revision: number): Promise<unknown[]> {
    return Promise.all(
      stores.map(async ({ store, client }) => {
        const found = await client.hashKv(must(store.endpoints[0]), revision);
        const { header, hash, compactRevision, hashRevision } = found;
        // 3.4 does not say which revision it hashed.
        assert.ok(hashRevision === 0 || hashRevision === (revision || header.revision));
        return { revision: header.revision, hash, compactRevision };
      }),
    );
  }

  async function compare(revisions: readonly number[]): Promise<void> {
    for (const revision of revisions) {
      const [theirs, ours] = await hashes(revision);
      assert.deepEqual(ours, theirs, `revision ${revision}; SEED=${SEED} REQUESTS=${REQUESTS}`);
    }
  }

  const revisionsFrom = (first: number, last: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => first + Math.floor(((last - first) * i) / (count - 1)));

  test('is equal at every revision: puts, deletions, transactions, leases, any bytes', async () => {
    const random = seededRandom(SEED);
    const pick = (count: number): number => random.int(count);
    const key = (): Buffer => Buffer.from(`k${pick(12)}`);
    const value = (): Buffer => Buffer.from(Array.from({ length: pick(40) }, () => pick(256)));
    const LEASE = 0x7fff_0000_0000_0001n;
    await both((client) => client.leaseGrant({ ID: LEASE, TTL: 3600 }));
    for (let i = 0; i < REQUESTS; i++) {
      const kind = pick(10);
      if (kind < 5) {
        const put = { key: key(), value: value(), lease: kind === 0 ? LEASE : 0 };
        await both((client) => client.put(put));
      } else if (kind < 8) {
        const removed = { key: key(), rangeEnd: kind === 5 ? Buffer.from('k5') : Buffer.alloc(0) };
        await both((client) => client.deleteRange(removed));
      } else {
        const success = [
          { requestPut: { key: Buffer.from('a'), value: value() } },
          { requestDeleteRange: { key: Buffer.from('k1'), rangeEnd: Buffer.from('k3') } },
          { requestPut: { key: Buffer.from('z'), value: value() } },
        ];
        await both((client) => client.txn({ success }));
      }
    }
    const [last] = await both((client) => client.put({ key: Buffer.from('end') }));
    await compare([0, ...revisionsFrom(2, must(last).header.revision, 40)]);
  });

  test('is equal after compactions, at every revision since', async () => {
    const [first] = await both((client) => client.range({ key: Buffer.from('a') }));
    const last = must(first).header.revision;
    for (const revision of revisionsFrom(Math.floor(last / 3), last, 4)) {
      await both((client) => client.compact({ revision, physical: true }));
      // At the compacted revision itself: etcd answers since 3.4.27 and 3.5.10.
      await compare([0, ...(revision < last ? revisionsFrom(revision + 1, last, 12) : [])]);
    }
  });

  test('is equal when the last keys are deleted, and that is compacted', async () => {
    const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
    const [first] = await both((client) => client.deleteRange(everything));
    const gone = must(first).header.revision;
    await compare([0, gone]);
    await both((client) => client.put({ key: Buffer.from('a'), value: Buffer.from('again') }));
    await both((client) => client.deleteRange(everything));
    await compare([0, gone, gone + 1]);
    for (const revision of [gone, gone + 1, gone + 2]) {
      await both((client) => client.compact({ revision, physical: true }));
      await compare([0]);
    }
  });

  test('is equal after a revoked lease took its keys', async () => {
    await both((client) => client.leaseGrant({ ID: 77, TTL: 3600 }));
    for (const name of ['b', 'a', 'c'])
      await both((client) => client.put({ key: Buffer.from(name), lease: 77 }));
    await both((client) => client.leaseRevoke({ ID: 77 }));
    await compare([0]);
  });
});
