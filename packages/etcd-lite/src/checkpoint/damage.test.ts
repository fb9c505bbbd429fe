import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { must, silentLogger } from '@kubelab/component-base';
import { confOf } from 'raft-consensus';
import { StateMachine } from '../core/state-machine.ts';
import { Checkpointer } from '../shell/checkpointer.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { readCheckpoint } from './checkpoint-file.ts';

const metadata = { index: 60, term: 2, conf: confOf(['a', 'b', 'c']) };
/** Says which file and where. */
const NAMED_DAMAGE = /^checkpoint damaged: \/snap\/[0-9a-f]{16}-[0-9a-f]{16}\.ckpt at offset \d+: /;

describe('every damage of a checkpoint is noticed', () => {
  const disk = new MemoryDisk();
  let path: string;
  let good: Buffer;
  let truth: string;

  before(async () => {
    const { state } = new StateMachine();
    state.lessor.grant(5, 60, 40);
    for (let i = 0; i < 60; i++) {
      const txn = state.store.begin();
      txn.put(`k${i % 40}`, Buffer.from(`v${i}`), 0);
      txn.commit();
    }
    const checkpointer = new Checkpointer(disk, '/snap', 7, silentLogger);
    await checkpointer.write(() => ({ state, metadata }));
    path = checkpointer.path(metadata);
    good = Buffer.from(must(disk.files.get(path)));
    truth = await read();
  });

  async function read(): Promise<string> {
    const records: unknown[] = [];
    for await (const { record } of readCheckpoint(disk, path)) records.push(record);
    return JSON.stringify(records, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  }

  /** Undefined: damage, and named as such. */
  async function outcome(content: Buffer): Promise<string | undefined> {
    disk.files.set(path, content);
    try {
      return await read();
    } catch (error) {
      assert.match((error as Error).message, NAMED_DAMAGE);
      return undefined;
    }
  }

  test('CKPT-1 cut off at any byte', async () => {
    for (let cut = 0; cut < good.length; cut++)
      assert.equal(await outcome(good.subarray(0, cut)), undefined, `cut at ${cut}`);
  });

  test('CKPT-1 any bit changed, but for padding, which means nothing', async () => {
    let harmless = 0;
    const content = Buffer.from(good);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const at = bit >> 3;
      content[at] = must(good[at]) ^ (1 << (bit & 7));
      const seen = await outcome(content);
      if (seen !== undefined) harmless++;
      assert.ok(seen === undefined || seen === truth, `bit ${bit & 7} of byte ${at}`);
      content[at] = must(good[at]);
    }
    // Less than eight bytes at the end of each record.
    assert.ok(harmless < 8 * 8 * 4, `${harmless} of ${good.length * 8} bits`);
  });

  test('CKPT-1 something behind its end, or a part that is there twice', async () => {
    assert.equal(await outcome(Buffer.concat([good, good])), undefined);
    assert.equal(await outcome(Buffer.concat([good, Buffer.alloc(8)])), undefined);
    assert.equal(await outcome(Buffer.concat([good.subarray(0, 64), good])), undefined);
  });
});
