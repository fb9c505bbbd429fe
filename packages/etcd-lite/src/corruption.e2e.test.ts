import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { AlarmAction, AlarmType } from '@kubelab/rpc/etcd';
import { ProcessCluster } from './testing/processes.ts';

const SECONDS = 5;

test('members under writes, deletions and compactions are found equal, again and again', async () => {
  const cluster = await ProcessCluster.start(3, [
    '--experimental-initial-corrupt-check',
    '--experimental-corrupt-check-time=200ms',
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=500ms',
    '--snapshot-count=200',
  ]);
  const client = cluster.client();
  try {
    await cluster.leader();
    const untilMs = performance.now() + SECONDS * 1000;
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; performance.now() < untilMs; i++) {
        const key = Buffer.from(`key-${writer}-${i % 17}`);
        if (i % 5 === 4) await client.deleteRange({ key });
        else await client.put({ key, value: Buffer.from(String(i)) });
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
    const logs = async (): Promise<string> =>
      (await Promise.all(cluster.members.map(({ log }) => readFile(log, 'utf8')))).join('');
    await eventually('all three were compared', async () =>
      /members hold the same history/.test(await logs()) && /"compared":2/.test(await logs())
        ? true
        : undefined,
    );
    const all = await logs();
    assert.match(all, /initial corruption checking passed/);
    assert.match(all, /"mode":"periodic"/, 'it was compacted meanwhile');
    assert.doesNotMatch(all, /different histories/);
    const { alarms } = await client.alarm({ action: AlarmAction.GET, memberID: 0, alarm: AlarmType.NONE });
    assert.deepEqual(alarms, []);
  } finally {
    client.close();
    await cluster.stop();
  }
});
