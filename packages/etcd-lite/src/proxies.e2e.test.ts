import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { must, realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { EtcdClient } from '@kubelab/rpc/client';
import { endProcess, freePort, type TestStore } from '@kubelab/rpc/testing';
import { isInstalled, targets } from './testing/targets.ts';

/** What etcd itself brings to stand before a store: a client of ours that holds watches and leases for others. */
const PROXIES = ['grpc-proxy', 'gateway'] as const;

for (const proxy of PROXIES) {
  describe(`etcd ${proxy} before our store`, { skip: !isInstalled('etcd') && 'no etcd here' }, () => {
    let store: TestStore;
    let child: ChildProcess;
    let client: EtcdClient;
    before(async () => {
      store = await must(targets.find(({ name }) => name === 'etcd-lite')).start();
      const address = `127.0.0.1:${await freePort()}`;
      const upstream = must(store.endpoints[0]).replace('http://', '');
      const words = [proxy, 'start', `--endpoints=${upstream}`, `--listen-addr=${address}`];
      child = spawn('etcd', words, { stdio: 'ignore' });
      client = new EtcdClient({ endpoints: [`http://${address}`], log: silentLogger, clock: realClock });
      await eventually(
        'it answers',
        () => client.range({ key: Buffer.from('x') }, { timeoutMs: 1000 }),
        15_000,
      );
    });
    after(async () => {
      client.close();
      await endProcess(child);
      await store.stop();
    });

    test('reads, writes, transactions and leases go through', async () => {
      const key = Buffer.from('k');
      const { ID } = await client.leaseGrant({ TTL: 60 });
      await client.put({ key, value: Buffer.from('1'), lease: ID });
      const { succeeded } = await client.txn({
        compare: [{ key, target: 0, result: 0, version: 1 }],
        success: [{ requestPut: { key, value: Buffer.from('2'), lease: ID } }],
      });
      assert.equal(succeeded, true);
      const { kvs } = await client.range({ key });
      assert.deepEqual(
        kvs.map(({ value, version, lease }) => [Buffer.from(value).toString(), version, lease === ID]),
        [['2', 2, true]],
      );
      const { keys } = await client.leaseTimeToLive({ ID, keys: true });
      assert.deepEqual(
        keys.map((each) => Buffer.from(each).toString()),
        ['k'],
      );
      await client.leaseRevoke({ ID });
      assert.equal((await client.range({ key })).count, 0);
    });

    test('a watch sees what comes, and what was', async () => {
      const key = Buffer.from('watched');
      const { header } = await client.put({ key, value: Buffer.from('before') });
      const seen: string[] = [];
      const watch = client.watch(
        { key, startRevision: header.revision },
        {
          onEvents: (events) => seen.push(...events.map(({ kv }) => Buffer.from(must(kv).value).toString())),
          onEnd: () => undefined,
        },
      );
      await client.put({ key, value: Buffer.from('after') });
      await eventually('both are seen', () => seen.length === 2, 10_000);
      assert.deepEqual(seen, ['before', 'after']);
      watch.close();
    });
  });
}
