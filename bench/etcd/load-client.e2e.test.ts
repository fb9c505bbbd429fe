import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { onPath } from '../support/on-path.ts';
import { StoreCluster, type StoreProgram } from '../support/store-cluster.ts';
import type { LoadReport } from './core/load-report.ts';
import { LoadClient, type LoadMode, type LoadOptions } from './support/load-client.ts';

const built = onPath('etcd') ? await LoadClient.build() : { missing: 'no etcd on this machine' };
const skip = built instanceof LoadClient ? false : built.missing;
const SECONDS = 0.5;

for (const program of ['etcd', 'etcd-lite'] as const satisfies readonly StoreProgram[]) {
  suite(`load client against ${program}`, { skip }, () => {
    let store: StoreCluster;
    let endpoint = '';

    const run = (mode: LoadMode, options: Partial<LoadOptions>): Promise<LoadReport> => {
      assert.ok(built instanceof LoadClient);
      return built.run(mode, { endpoints: [endpoint], pids: store.pids, ...options });
    };
    const revision = async () => (await store.client.range({ key: Buffer.from('absent') })).header.revision;

    before(async () => {
      store = await StoreCluster.start(program, 1);
      ({ endpoint } = await store.leader());
    });
    after(() => store.stop());

    test('a fill writes each key once', async () => {
      const { operations } = await run('put', {
        count: 200,
        keys: 200,
        connections: 3,
        streams: 5,
        prefix: '/fill/',
      });
      assert.equal(operations, 200);
      const { kvs } = await store.client.range({
        key: Buffer.from('/fill/'),
        rangeEnd: Buffer.from('/fill0'),
      });
      assert.equal(kvs.length, 200);
      assert.ok(kvs.every(({ version, value }) => version === 1 && value.length === 256));
    });

    test('every acknowledged put is a revision, and the latencies of one client fill its time', async () => {
      const first = await revision();
      const { operations, latency, seconds, cpuSeconds } = await run('put', { seconds: SECONDS });
      assert.ok((await revision()) - first >= operations);
      assert.ok(latency.p50 <= latency.p99 && latency.p99 <= latency.max);
      const busy = (latency.mean * operations) / 1000 / seconds;
      assert.ok(busy > 0.8 && busy < 1.1, `${busy}`);
      assert.ok(cpuSeconds.servers > 0 && cpuSeconds.servers < 4 * seconds);
    });

    test('transactions know the revisions of their keys: none fails its comparison', async () => {
      const first = await revision();
      const options = { seconds: SECONDS, connections: 8, keys: 40, prefix: '/txn/' };
      const { operations, conflicts } = await run('txn', options);
      assert.ok(operations > 40, `${operations}`);
      assert.equal(conflicts, 0);
      assert.ok((await revision()) - first >= operations);
    });

    test('where a key exists already, its revision is learned from the failed comparison', async () => {
      const { operations, conflicts } = await run('txn', {
        seconds: SECONDS,
        connections: 8,
        keys: 40,
        prefix: '/txn/',
      });
      assert.equal(conflicts, 40);
      assert.ok(operations > 80, `${operations}`);
    });

    test('gets count their keys, with writers beside them', async () => {
      const options = { seconds: SECONDS, keys: 200, connections: 4, prefix: '/fill/', writers: 2 };
      const { operations, items, writes } = await run('get', { ...options, serializable: true });
      assert.ok(operations > 0 && items === operations && writes > 0);
    });

    test('a list that lacks keys fails the run', async () => {
      const { operations, items } = await run('list', { seconds: SECONDS, prefix: '/fill/', limit: 200 });
      assert.equal(items, operations * 200);
      await assert.rejects(
        run('list', { seconds: SECONDS, prefix: '/fill/', limit: 201 }),
        /200 keys of 201/,
      );
    });

    test('a get of an absent key fails the run', async () => {
      await assert.rejects(run('get', { seconds: SECONDS, prefix: '/nothing/' }), /0 keys instead of one/);
    });

    test('a status other than OK fails the run', async () => {
      const options = { count: 1, path: '/etcdserverpb.KV/Compact', message: '0880808010' };
      await assert.rejects(run('call', options), /status 11: .*future revision/);
    });

    for (const separateStreams of [false, true]) {
      test(`every watch gets every put, ${separateStreams ? 'on streams of their own' : 'many on a stream'}`, async () => {
        const watches = { connections: 3, watches: 7, keys: 5, prefix: '/watch/', separateStreams };
        const { operations, writes } = await run('watch', { ...watches, warmUp: 0.2, seconds: SECONDS });
        assert.ok(writes > 0);
        assert.equal(operations, writes * 21);
      });
    }

    test('a paced writer keeps its pace', async () => {
      const { writes } = await run('watch', { connections: 2, watches: 2, rate: 40, seconds: 1 });
      assert.ok(writes >= 36 && writes <= 41, `${writes}`);
    });
  });
}

after(async () => {
  if (built instanceof LoadClient) await built.remove();
});
