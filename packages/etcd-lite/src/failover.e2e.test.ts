import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import type { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf, prefixEnd, textOf } from '@kubelab/rpc/etcd';
import { ProcessCluster } from './testing/processes.ts';

/** After the death of the leader; the aim of the whole store. */
const RESUME_MS_MAX = 2000;

describe('three processes that are killed', () => {
  let cluster: ProcessCluster;
  let client: EtcdClient;
  before(async () => {
    // Small, so that a restarted member needs a snapshot.
    cluster = await ProcessCluster.start(3, ['--snapshot-count=200']);
    client = cluster.client();
    await cluster.whole();
  });
  /** A test that fails leaves its writers running, and what the members said untold. */
  afterEach(async (t) => {
    await Promise.all(writers.splice(0).map((writer) => writer.stop()));
    const isFailed = 'passed' in t && t.passed === false;
    if (isFailed)
      for (const { name } of cluster.members) process.stderr.write(`${name}: ${cluster.lastWords(name)}\n`);
  });
  after(async () => {
    client.close();
    await cluster.stop();
  });

  test('no acknowledged write is lost and writes go on within 2 s of kill -9 of the leader', async () => {
    const writer = startWriter(client, 'a/');
    await eventually('writes', () => writer.acknowledged.length > 200);
    const leader = await cluster.leader();
    writer.resetGap();
    await cluster.end(leader, 'SIGKILL');
    const before = writer.acknowledged.length;
    await eventually('writes after the kill', () => writer.acknowledged.length > before + 100);
    assert.ok(writer.longestGapMs() < RESUME_MS_MAX, `no write for ${writer.longestGapMs()} ms`);
    cluster.startMember(leader);
    await writer.stop();
    await assertAllThere(client, 'a/', writer.acknowledged);
  });

  test('a member that was away for long catches up by a snapshot', async () => {
    const follower = await otherThan(await cluster.leader());
    await cluster.end(follower, 'SIGKILL');
    const writer = startWriter(client, 'b/');
    await eventually('more writes than the log keeps', () => writer.acknowledged.length > 1500, 60_000);
    await writer.stop();
    cluster.startMember(follower);
    await assertSameHash();
  });

  test('a member that is killed while it catches up recovers', async () => {
    const follower = await otherThan(await cluster.leader());
    const writer = startWriter(client, 'c/');
    for (let round = 0; round < 3; round++) {
      await cluster.end(follower, 'SIGKILL');
      const before = writer.acknowledged.length;
      await eventually('writes', () => writer.acknowledged.length > before + 300);
      cluster.startMember(follower);
      await eventually('it answers', async () => {
        const one = cluster.client([cluster.members.find(({ name }) => name === follower)?.clientUrl ?? '']);
        try {
          return await one.status(undefined, { timeoutMs: 500 });
        } finally {
          one.close();
        }
      });
    }
    await writer.stop();
    await assertAllThere(client, 'c/', writer.acknowledged);
    await assertSameHash();
  });

  test('READ-1 WATCH-1 while the leader dies, reads from any member are current, and a watch sees each write once', async () => {
    const seen: number[] = [];
    const prefix = bytesOf('r/');
    let isCreated = false;
    const watch = client.watch(
      { key: prefix, rangeEnd: prefixEnd(prefix) },
      {
        onCreated: () => (isCreated = true),
        onEvents: (events) => seen.push(...events.map(({ kv }) => kv.modRevision)),
        onEnd: () => undefined,
      },
    );
    await eventually('the watch', () => isCreated);
    const readers = cluster.endpoints.map((endpoint) => cluster.client([endpoint]));
    const leader = await cluster.leader();
    let stale = 0;
    let reads = 0;
    for (let n = 0; n < 150; n++) {
      if (n === 50) await cluster.end(leader, 'SIGKILL');
      if (n === 100) cluster.startMember(leader);
      const written = await client
        .put({ key: bytesOf('r/x'), value: bytesOf(String(n)) })
        .catch(() => undefined);
      if (written === undefined) continue;
      const answers = await Promise.allSettled(
        readers.map((reader) => reader.range({ key: bytesOf('r/x') }, { timeoutMs: 300 })),
      );
      for (const answer of answers) {
        if (answer.status === 'rejected') continue;
        reads++;
        if ((answer.value.kvs[0]?.modRevision ?? 0) < written.header.revision) stale++;
      }
    }
    assert.ok(reads > 250, `${reads} reads`);
    assert.equal(stale, 0);
    const { kvs } = await client.range({ key: bytesOf('r/x') });
    await eventually('the last event', () => seen.at(-1) === kvs[0]?.modRevision);
    assert.equal(seen.length, kvs[0]?.version, 'one event for each version');
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
    );
    watch.close();
    for (const reader of readers) reader.close();
  });

  test('SIGTERM of the leader hands leadership over without a gap to speak of', async () => {
    const writer = startWriter(client, 'd/');
    await eventually('writes', () => writer.acknowledged.length > 100);
    const leader = await cluster.leader();
    writer.resetGap();
    await cluster.end(leader, 'SIGTERM');
    const before = writer.acknowledged.length;
    await eventually('writes', () => writer.acknowledged.length > before + 100);
    assert.ok(writer.longestGapMs() < RESUME_MS_MAX / 2, `no write for ${writer.longestGapMs()} ms`);
    await writer.stop();
    cluster.startMember(leader);
    await cluster.leader();
  });

  test('all members killed at once come back with everything', async () => {
    const writer = startWriter(client, 'e/');
    await eventually('writes', () => writer.acknowledged.length > 300);
    await Promise.all(cluster.members.map(({ name }) => cluster.end(name, 'SIGKILL')));
    for (const { name } of cluster.members) cluster.startMember(name);
    await eventually('writes again', () => writer.lastMs() > performance.now() - 100);
    await writer.stop();
    await assertAllThere(client, 'e/', writer.acknowledged);
    await assertSameHash();
  });

  async function otherThan(leader: string): Promise<string> {
    return cluster.members.find(({ name }) => name !== leader)?.name ?? '';
  }

  async function assertSameHash(): Promise<void> {
    await eventually(
      'all members have the same state',
      async () => {
        const hashes = await Promise.all(cluster.endpoints.map((endpoint) => client.hashKv(endpoint)));
        const seen = new Set(hashes.map(({ hash, hashRevision }) => `${hash} at ${hashRevision}`));
        assert.equal(seen.size, 1, [...seen].join(', '));
        return true;
      },
      20_000,
    );
  }
});

test('a member that comes late is let in by the leader, and then the leader may die', async (t) => {
  const cluster = await ProcessCluster.start(3);
  t.after(() => cluster.stop());
  cluster.signal('etcd-3', 'SIGSTOP');
  const leader = await cluster.leader();
  let isWhole = false;
  const whole = cluster.whole().then(() => (isWhole = true));
  const client = cluster.client();
  t.after(() => client.close());
  await client.put({ key: bytesOf('f'), value: bytesOf('without it') });
  assert.equal(isWhole, false);
  cluster.signal('etcd-3', 'SIGCONT');
  await whole;
  await cluster.end(leader, 'SIGKILL');
  await client.put({ key: bytesOf('f'), value: bytesOf('with it') });
});

interface Writer {
  readonly acknowledged: number[];
  longestGapMs(): number;
  lastMs(): number;
  resetGap(): void;
  stop(): Promise<void>;
}

const writers: Writer[] = [];
const FAILED_PAUSE_MS = 5;

/** Writes numbers one after another, in a few lines at once; failures are counted as "perhaps written". */
function startWriter(client: EtcdClient, prefix: string): Writer {
  const acknowledged: number[] = [];
  let next = 0;
  let lastMs = performance.now();
  let gapMs = 0;
  let isStopped = false;
  const line = async (): Promise<void> => {
    while (!isStopped) {
      const n = next++;
      try {
        await client.put({ key: bytesOf(`${prefix}${n}`), value: bytesOf(String(n)) });
      } catch {
        // Unknown outcome: it may be there or not, and nothing was promised.
        await new Promise((resolve) => setTimeout(resolve, FAILED_PAUSE_MS));
        continue;
      }
      acknowledged.push(n);
      const nowMs = performance.now();
      gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  };
  const lines = Promise.all([line(), line(), line()]);
  const writer: Writer = {
    acknowledged,
    longestGapMs: () => gapMs,
    lastMs: () => lastMs,
    resetGap: () => {
      gapMs = 0;
      lastMs = performance.now();
    },
    stop: async () => {
      isStopped = true;
      await lines;
    },
  };
  writers.push(writer);
  return writer;
}

async function assertAllThere(
  client: EtcdClient,
  prefix: string,
  acknowledged: readonly number[],
): Promise<void> {
  const { kvs } = await client.range({ key: bytesOf(prefix), rangeEnd: prefixEnd(bytesOf(prefix)) });
  const there = new Set(kvs.map(({ value }) => Number(textOf(value))));
  assert.deepEqual(
    acknowledged.filter((n) => !there.has(n)),
    [],
  );
}
