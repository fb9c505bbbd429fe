import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import fc from 'fast-check';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { decodeMeta, fnv64a, PAGE_BYTES, readPageHeader } from './format.ts';
import { DatabaseDamagedError, DatabaseReader } from './reader.ts';
import { bucketOf, type BucketSource, piecesOf, planDatabase } from './writer.ts';

type Buckets = Readonly<Record<string, readonly (readonly [string, string])[]>>;

function write(buckets: readonly BucketSource[]): Buffer {
  const planning = planDatabase(buckets);
  let step = planning.next();
  while (step.done !== true) step = planning.next();
  const file = Buffer.concat([...piecesOf(step.value, 32_768)]);
  assert.equal(file.length, step.value.bytes);
  return file;
}

const bytesOf = (buckets: Buckets): Buffer =>
  write(
    Object.entries(buckets).map(([name, entries]) =>
      bucketOf(
        name,
        entries.map(([key, value]) => [Buffer.from(key), Buffer.from(value)]),
      ),
    ),
  );

async function open(bytes: Buffer): Promise<DatabaseReader> {
  const disk = new MemoryDisk();
  disk.files.set('/db', bytes);
  return DatabaseReader.open(await disk.open('/db'), '/db');
}

async function read(bytes: Buffer): Promise<Record<string, [string, string][]>> {
  const reader = await open(bytes);
  const found: Record<string, [string, string][]> = {};
  for (const name of reader.bucketNames) {
    const entries: [string, string][] = [];
    for await (const leaf of reader.leaves(name))
      for (const { key, value } of leaf.entries) entries.push([key.toString(), value.toString()]);
    found[name] = entries;
  }
  return found;
}

const numbered = (count: number, valueBytes: number): [string, string][] =>
  Array.from({ length: count }, (_, i) => [`key-${String(i).padStart(8, '0')}`, 'v'.repeat(valueBytes)]);

describe('bbolt files', () => {
  test('what was written is read back: any buckets, keys, values', async () => {
    const name = fc.stringMatching(/^[a-z]{1,12}$/);
    const text = fc.oneof(
      { weight: 5, arbitrary: fc.string({ maxLength: 40, unit: 'grapheme' }) },
      { weight: 1, arbitrary: fc.nat(9000).map((length) => 'x'.repeat(length)) },
    );
    const entries = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 30 }), text), {
      selector: ([key]) => key,
      maxLength: 300,
    });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, entries, { maxKeys: 12 }), async (buckets) => {
        const sorted = Object.fromEntries(
          Object.entries(buckets).map(([bucket, found]) => [
            bucket,
            found.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          ]),
        );
        assert.deepEqual(await read(bytesOf(buckets)), { ...sorted });
      }),
      { numRuns: 60 },
    );
  });

  test('trees of several levels, keys larger than a page, and empty buckets', async () => {
    const large: [string, string][] = Array.from({ length: 40 }, (_, i) => [
      `${i + 10}${'k'.repeat(5000)}`,
      '',
    ]);
    const buckets = { deep: numbered(40_000, 20), large, empty: [] };
    const file = bytesOf(buckets);
    assert.deepEqual(await read(file), { deep: buckets.deep, empty: [], large });
  });

  test('the first bytes are as bbolt lays them out', () => {
    const file = bytesOf({ key: [['a', 'b']] });
    // Two meta pages, the list of free pages, the root bucket with the only bucket within it.
    assert.equal(file.length, 4 * PAGE_BYTES);
    assert.equal(
      file.subarray(0, 32).toString('hex'),
      '00000000000000000400000000000000edda0ced02000000001000000000000000'.slice(0, 64),
    );
    const meta = decodeMeta(file);
    assert.deepEqual(meta, { pageBytes: 4096, root: 3, freelist: 2n, pageCount: 4, txid: 2n });
    assert.deepEqual(readPageHeader(file, 3 * PAGE_BYTES), { id: 3, type: 2, count: 1, overflow: 0 });
    // FNV's own example.
    assert.equal(fnv64a(Buffer.from('foobar')), 0x85944171f73967e8n);
  });

  test('the newer of the two meta pages counts, and the older one where that is damaged', async () => {
    const file = bytesOf({ key: [['a', 'b']] });
    for (const damaged of [0, PAGE_BYTES]) {
      const copy = Buffer.from(file);
      copy[damaged + 40] = 0xff;
      assert.deepEqual(await read(copy), { key: [['a', 'b']] });
    }
    const copy = Buffer.from(file);
    copy[40] = copy[PAGE_BYTES + 40] = 0xff;
    await assert.rejects(
      open(copy),
      /database damaged: \/db, page 0 at offset 16: no valid meta page: the checksum/,
    );
    await assert.rejects(open(Buffer.from('hello')), /too short/);
    await assert.rejects(open(Buffer.alloc(PAGE_BYTES * 4)), /not a bbolt file/);
  });

  test('BOLT-1 a damaged tree is noticed, and the message says where', async () => {
    const file = bytesOf({ key: numbered(500, 100) });
    const { root } = must(decodeMeta(file) as { root: number });
    const first = 3 * PAGE_BYTES;
    const branch = (root - 1) * PAGE_BYTES;
    const cases: readonly [name: string, damage: (copy: Buffer) => void, message: RegExp][] = [
      [
        'a page with another id',
        (copy) => copy.writeUInt8(9, first),
        /page 3 at offset 12288: it says that it is page 9/,
      ],
      [
        'a page of no known type',
        (copy) => copy.writeUInt16LE(64, first + 8),
        /neither a branch nor a leaf \(type 40\)/,
      ],
      [
        'more elements than fit',
        (copy) => copy.writeUInt16LE(60_000, first + 10),
        /60000 elements do not fit/,
      ],
      ['pages beyond the end', (copy) => copy.writeUInt32LE(60_000, first + 12), /goes on for 60000 pages/],
      [
        'a value beyond its page',
        (copy) => copy.writeUInt32LE(5000, first + 28),
        /element 0 reaches beyond its page/,
      ],
      [
        'keys out of order',
        (copy) => copy.write('key-00000000', copy.indexOf('key-00000001')),
        /key of element 1 is out of order/,
      ],
      ['a cycle', (copy) => copy.writeUInt8(root - 1, branch + 16 + 8), /two pages refer to it/],
      [
        'a child beyond the end',
        (copy) => copy.writeUInt8(200, branch + 16 + 8),
        /it refers to page 200, but there are/,
      ],
      [
        'a branch without children',
        (copy) => copy.writeUInt16LE(0, branch + 10),
        /a branch without children/,
      ],
    ];
    for (const [name, damage, message] of cases) {
      const copy = Buffer.from(file);
      damage(copy);
      await assert.rejects(read(copy), message, name);
    }
    await assert.rejects(
      open(file.subarray(0, file.length - 1)),
      /the file is cut off: it should have \d+ bytes/,
    );
  });

  test('BOLT-1 whatever byte is wrong: the file is read as it is, or refused; nothing else happens', async () => {
    const file = bytesOf({ key: numbered(120, 60), meta: [['a', 'b']] });
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const copy = Buffer.from(file);
        copy[at] = (copy[at] ?? 0) ^ flip;
        try {
          await read(copy);
        } catch (error) {
          assert.ok(error instanceof DatabaseDamagedError, String(error));
        }
      }),
      { numRuns: 1500 },
    );
  });
});
