import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { MemoryDisk } from '../testing/memory-disk.ts';
import type { WireEntry } from '../wire.ts';
import { crc32c } from './crc32c.ts';
import { frameLength } from './frame.ts';
import { Wal } from './wal.ts';

const identity = { clusterId: 7, raftId: 'a' };
const SEGMENT_BYTES = 4096;
const FIRST = '/wal/0000000000000000-0000000000000000.wal';

const open = (disk: MemoryDisk, segmentBytes = SEGMENT_BYTES) =>
  Wal.open({ disk, folder: '/wal', identity, segmentBytes });
const entry = (index: number, term = 1, size = 20): WireEntry => ({
  index,
  term,
  isConfChange: false,
  // Never zero, so that an unwritten sector is told from data.
  data: Buffer.alloc(size, 1 + (index % 200)),
});

async function written(entries: readonly WireEntry[], segmentBytes = SEGMENT_BYTES): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { wal } = await open(disk, segmentBytes);
  for (const each of entries) await wal.append({ entries: [each] });
  await wal.close();
  return disk;
}

async function indexes(disk: MemoryDisk, segmentBytes = SEGMENT_BYTES): Promise<number[]> {
  const { contents } = await open(disk, segmentBytes);
  return contents?.entries.map(({ index }) => index) ?? [];
}

/** Where the last record starts and ends, found by writing the log without and with it. */
async function endOfData(disk: MemoryDisk): Promise<number> {
  const file = must(disk.files.get(FIRST));
  let end = file.length;
  while (end > 0 && file[end - 1] === 0) end--;
  return Promise.resolve(Math.ceil(end / 8) * 8);
}

test('the checksum is CRC-32C', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345'))), 0xe3069283);
});

describe('the write-ahead log', () => {
  test('what was appended is there after opening again', async () => {
    const disk = await written([entry(1), entry(2), entry(3)]);
    const { wal, contents } = await open(disk);
    assert.deepEqual(
      contents?.entries,
      [entry(1), entry(2), entry(3)].map((e) => ({ ...e, data: Buffer.from(e.data) })),
    );
    await wal.append({ entries: [entry(4)], hardState: { term: 2, vote: 'b', commit: 3 } });
    await wal.close();
    const again = await open(disk);
    assert.deepEqual({ ...again.contents?.hardState }, { term: 2, vote: 'b', commit: 3 });
    assert.equal(again.contents?.entries.length, 4);
  });

  test('a later write of an index replaces that entry and all after it', async () => {
    const disk = await written([entry(1), entry(2), entry(3), entry(2, 5)]);
    const { contents } = await open(disk);
    assert.deepEqual(
      contents?.entries.map(({ index, term }) => [index, term]),
      [
        [1, 1],
        [2, 5],
      ],
    );
  });

  test('a snapshot record starts the log anew', async () => {
    const disk = await written([entry(1), entry(2)]);
    const { wal } = await open(disk);
    await wal.append({ snapshot: { index: 50, term: 3, conf: null } });
    await wal.append({ entries: [entry(51, 3)] });
    await wal.close();
    const { contents } = await open(disk);
    assert.deepEqual([contents?.snapshot?.index, contents?.entries.map(({ index }) => index)], [50, [51]]);
  });

  test('WAL-2 it goes on over any number of segments, and releases those that are not needed', async () => {
    const all = Array.from({ length: 100 }, (_, i) => entry(i + 1, 1, 200));
    const disk = await written(all);
    const segments = (await disk.list('/wal')).filter((name) => name.endsWith('.wal'));
    assert.ok(segments.length > 4);
    assert.deepEqual(
      await indexes(disk),
      all.map(({ index }) => index),
    );
    const { wal } = await open(disk);
    await wal.release(60);
    await wal.close();
    const left = await indexes(disk);
    assert.ok((left[0] ?? 0) > 1 && (left[0] ?? 0) <= 60, `starts at ${left[0]}`);
    assert.equal(left.at(-1), 100);
  });

  test('WAL-3 sectors of the last record that never reached the disk count as a torn write', async () => {
    const short = await endOfData(await written([entry(1)]));
    const disk = await written([entry(1), entry(2, 1, 2000)]);
    for (let sector = Math.ceil(short / 512); sector * 512 + 512 <= short + 2000; sector++) {
      const crashed = disk.clone();
      must(crashed.files.get(FIRST)).fill(0, sector * 512, sector * 512 + 512);
      assert.deepEqual(await indexes(crashed), [1], `sector ${sector}`);
    }
  });

  test('WAL-3 any changed byte of a record that others follow is damage, with file, offset and advice', async () => {
    const disk = await written([entry(1), entry(2), entry(3)]);
    const end = await endOfData(await written([entry(1), entry(2)]));
    for (let at = 0; at < end; at++) {
      const flipped = disk.clone();
      const file = must(flipped.files.get(FIRST));
      file[at] = (file[at] ?? 0) ^ 0x10;
      const outcome = await open(flipped).then(
        ({ contents }) => contents?.entries.length,
        (error: unknown) => error,
      );
      // Padding is not covered, and does not matter.
      if (outcome === 3) continue;
      assert.ok(outcome instanceof Error, `byte ${at} gave ${String(outcome)} entries`);
      assert.match(outcome.message, /damaged: \/wal\/.* at offset \d+: .*empty its data directory/);
    }
  });

  test('WAL-3 a torn write that lacks only its first sector leaves nothing behind for later records', async () => {
    const short = await endOfData(await written([entry(1)]));
    const disk = await written([entry(1), entry(2, 1, 2000)]);
    must(disk.files.get(FIRST)).fill(0, short, Math.ceil(short / 512) * 512);
    // Record after record goes over the place where the rest of the torn one lay.
    for (let index = 2; index < 20; index++) {
      const { wal, contents } = await open(disk);
      assert.equal(contents?.entries.at(-1)?.index, index - 1);
      await wal.append({ entries: [entry(index, 1, 100)] });
      await wal.close();
    }
  });

  test('WAL-3 a new segment does not begin with the commit index of a record that a crash may take', async () => {
    const disk = await written([entry(1), entry(2)]);
    const { wal } = await open(disk);
    await wal.append({ hardState: { term: 1, vote: 'b', commit: 1 } });
    // Too large for the rest of the segment; it replaces entry 2 and commits it in one.
    await wal.append({
      entries: [entry(2, 3, SEGMENT_BYTES - 100)],
      hardState: { term: 3, vote: 'c', commit: 2 },
    });
    await wal.close();
    const path = must([...disk.files.keys()].findLast((file) => file.endsWith('.wal')));
    assert.notEqual(path, FIRST);
    const segment = must(disk.files.get(path));
    const firstRecordEnd = frameLength(segment.readUInt32LE(4));
    segment.fill(0, firstRecordEnd);
    const { contents } = await open(disk);
    assert.deepEqual({ ...contents?.hardState }, { term: 1, vote: 'b', commit: 1 });
    assert.deepEqual(
      contents?.entries.map(({ index, term }) => [index, term]),
      [
        [1, 1],
        [2, 1],
      ],
    );
  });

  test('WAL-3 a changed byte in the last record is damage too, not a torn write', async () => {
    const start = await endOfData(await written([entry(1)]));
    const disk = await written([entry(1), entry(2)]);
    const file = must(disk.files.get(FIRST));
    file[start + 40] = (file[start + 40] ?? 0) ^ 1;
    await assert.rejects(open(disk), { name: 'WalDamagedError' });
  });

  test('WAL-3 a missing segment in the middle is damage', async () => {
    const disk = await written(Array.from({ length: 60 }, (_, i) => entry(i + 1, 1, 200)));
    const segments = (await disk.list('/wal')).filter((name) => name.endsWith('.wal'));
    await disk.remove(`/wal/${segments[1]}`);
    await assert.rejects(open(disk), { name: 'WalDamagedError' });
  });

  test('a spare segment that could not be made fails the append that needs it, and none before', async () => {
    const disk = new MemoryDisk();
    const { wal } = await open(disk);
    const openFile = disk.open.bind(disk);
    disk.open = (path, options) =>
      path.endsWith('spare.tmp') ? Promise.reject(new Error('ENOSPC')) : openFile(path, options);
    for (let index = 1; index <= 6; index++) await wal.append({ entries: [entry(index, 1, 500)] });
    await assert.rejects(must(wal.append({ entries: [entry(7, 1, 1000)] })), /ENOSPC/);
  });

  test('WAL-1 a failed sync fails the append', async () => {
    const disk = await written([entry(1)]);
    const { wal } = await open(disk);
    disk.syncError = new Error('EIO');
    await assert.rejects(must(wal.append({ entries: [entry(2)] })), { message: 'EIO' });
  });

  test('WAL-1 an append that may block is durable when it returns, or fails at once', async () => {
    const disk = await written([entry(1)]);
    const { wal } = await open(disk);
    disk.blocks = true;
    assert.equal(wal.append({ entries: [entry(2)] }, true), undefined);
    assert.deepEqual(await indexes(disk.clone()), [1, 2]);
    disk.syncError = new Error('EIO');
    assert.throws(() => wal.append({ entries: [entry(3)] }, true), { message: 'EIO' });
  });
});
