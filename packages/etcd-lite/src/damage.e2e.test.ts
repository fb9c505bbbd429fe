import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import type { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf } from '@kubelab/rpc/etcd';
import { ProcessCluster } from './testing/processes.ts';

/** A member whose files were damaged while it was down: it says so and stays down, and what it advises works. */
describe('a follower with damaged files', () => {
  let cluster: ProcessCluster;
  let client: EtcdClient;
  let victim: string;
  before(async () => {
    cluster = await ProcessCluster.start(3, ['--snapshot-count=100']);
    client = cluster.client();
  });
  after(async () => {
    client.close();
    await cluster.stop();
  });
  beforeEach(async () => {
    const leader = await cluster.leader();
    victim = must(cluster.members.find(({ name }) => name !== leader)).name;
    for (let i = 0; i < 250; i++)
      await client.put({ key: bytesOf(`k${i}`), value: bytesOf('v'.repeat(100)) });
    await sameHash();
    await cluster.end(victim, 'SIGKILL');
  });

  const folder = (kind: 'wal' | 'snap'): string => join(cluster.folder, victim, 'member', kind);
  const files = (kind: 'wal' | 'snap', suffix: string): string[] =>
    readdirSync(folder(kind))
      .filter((name) => name.endsWith(suffix))
      .toSorted()
      .map((name) => join(folder(kind), name));

  /** Changes one bit in the midst of what was written; in a log of a value, as the bytes between two records say nothing. */
  function damage(path: string): void {
    const content = readFileSync(path);
    const written = content.findLastIndex((byte) => byte !== 0);
    const middle = Math.floor(written / 2);
    const at = path.endsWith('.wal') ? content.indexOf('vvvv', middle) : middle;
    content[at] = must(content[at]) ^ 0x40;
    writeFileSync(path, content);
  }

  /** Starts it; what it says as it gives up. */
  async function refusal(): Promise<string> {
    cluster.startMember(victim);
    const member = must(cluster.members.find(({ name }) => name === victim));
    await eventually(`${victim} gives up`, () => member.child?.exitCode !== null, 20_000);
    assert.equal(member.child?.exitCode, 1);
    return eventually('its last words', () => cluster.lastWords(victim));
  }

  async function sameHash(): Promise<void> {
    await eventually(
      'all members have the same state',
      async () => {
        const hashes = await Promise.all(cluster.endpoints.map((endpoint) => client.hashKv(endpoint)));
        return new Set(hashes.map(({ hash, header }) => `${hash} ${header.revision}`)).size === 1;
      },
      60_000,
    );
  }

  /** The advice: an empty data directory. */
  async function startEmpty(): Promise<void> {
    rmSync(join(cluster.folder, victim), { recursive: true });
    cluster.startMember(victim);
    await sameHash();
  }

  test('WAL-3 refuses to start from a log with a changed bit, names file and offset, and comes back empty', async () => {
    const path = must(files('wal', '.wal').at(-1));
    damage(path);
    const words = await refusal();
    assert.match(words, /write-ahead log damaged/);
    assert.ok(words.includes(path), words);
    assert.match(words, /at offset \d+/);
    assert.match(words, /empty its data directory/);
    await startEmpty();
  });

  test('WAL-3 refuses to start from a log that was cut off', async () => {
    const path = must(files('wal', '.wal').at(-1));
    writeFileSync(path, readFileSync(path).subarray(0, 5000));
    assert.match(await refusal(), /write-ahead log damaged: .* at offset 5000: .*cut off/);
    await startEmpty();
  });

  test('CKPT-1 passes a damaged checkpoint over where the one before it and the log suffice', async () => {
    const checkpoints = files('snap', '.ckpt');
    assert.equal(checkpoints.length, 2);
    damage(must(checkpoints.at(-1)));
    cluster.startMember(victim);
    await sameHash();
    assert.match(cluster.lastWords(victim), /checkpoint damaged/);
  });

  test('CKPT-1 begins anew from the log where no checkpoint is whole, but the log is', async () => {
    for (const path of files('snap', '.ckpt')) damage(path);
    cluster.startMember(victim);
    await sameHash();
  });

  test('CKPT-1 refuses to start where no checkpoint is whole and the log begins later, and says what to do', async () => {
    // One that joins gets its state by a snapshot: its log begins there.
    await startEmpty();
    await cluster.end(victim, 'SIGKILL');
    for (const path of files('snap', '.ckpt')) damage(path);
    const words = await refusal();
    assert.match(words, /no whole checkpoint in .*snap reaches entry \d+, .*empty its data directory/);
    const log = readFileSync(must(cluster.members.find(({ name }) => name === victim)).log, 'utf8');
    assert.match(log, /checkpoint damaged: .*\.ckpt at offset \d+/);
    await startEmpty();
  });
});
