import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlockWriter } from './block-writer.ts';
import { realDisk } from './real-disk.ts';

const SIZE = 64 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'kubelab-blocks-'));
test.after(() => rmSync(folder, { recursive: true }));

/** A file full of 7s, and what it should be. */
function fileOf(t: TestContext, name: string) {
  const path = join(folder, name);
  const model = Buffer.alloc(SIZE, 7);
  writeFileSync(path, model);
  const file = openSync(path, 'r+');
  const writer = BlockWriter.open(path);
  t.after(() => {
    writer?.close();
    closeSync(file);
  });
  return { path, file, writer, model, content: () => readFileSync(path) };
}

/** The same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

test('what is written is there, and nothing else is changed, wherever and in whatever order', (t) => {
  const { writer, model, content, file } = fileOf(t, 'any');
  if (writer === undefined) return t.skip('no O_DIRECT here');
  const random = numbers(1);
  let end = 0;
  for (let i = 0; i < 600; i++) {
    // Mostly one behind the other, as a log.
    const position = random(5) === 0 ? random(SIZE - 9000) : end % (SIZE - 9000);
    const data = Buffer.alloc(1 + random(random(4) === 0 ? 9000 : 400), i);
    end = position + data.length;
    if (random(10) === 0) {
      writeSync(file, data, 0, data.length, position);
      writer.forget();
    } else assert.equal(writer.writeNow(position, data), true);
    model.set(data, position);
    if (i % 20 === 0) assert.ok(content().equals(model), `after write ${i}`);
  }
  assert.ok(content().equals(model));
});

test('what would make the file longer, or is too much, is left to others, and changes nothing', (t) => {
  const { writer, model, content } = fileOf(t, 'end');
  if (writer === undefined) return t.skip('no O_DIRECT here');
  assert.equal(writer.writeNow(SIZE - 10, Buffer.alloc(20, 1)), false);
  assert.equal(writer.writeNow(SIZE + 5000, Buffer.alloc(20, 1)), false);
  assert.equal(writer.writeNow(0, Buffer.alloc(SIZE * 3, 1)), false);
  assert.ok(content().equals(model));
  assert.equal(writer.writeNow(SIZE - 10, Buffer.alloc(10, 1)), true);
  assert.deepEqual([...content().subarray(SIZE - 12)], [7, 7, ...Array.from({ length: 10 }, () => 1)]);
});

test('where it cannot be opened there is none', () => {
  assert.equal(BlockWriter.open(join(folder, 'absent')), undefined);
});

test('a file of the disk has what was written to it in any way', async () => {
  const path = join(folder, 'disk');
  const disk = await realDisk.open(path, { create: true });
  await disk.preallocate(SIZE);
  const model = Buffer.alloc(SIZE);
  const random = numbers(2);
  let end = 0;
  for (let i = 1; i <= 300; i++) {
    const data = Buffer.alloc(1 + random(700), i);
    const position = random(8) === 0 ? random(SIZE - 1000) : end % (SIZE - 1000);
    end = position + data.length;
    if (random(8) === 0) await disk.write(position, data);
    else await disk.writeSynced(position, data, random(2) === 0);
    model.set(data, position);
  }
  assert.ok(Buffer.from(await disk.read(0, SIZE)).equals(model));
  await disk.writeSynced(SIZE - 100, Buffer.alloc(300, 9), true);
  assert.equal(await disk.size(), SIZE + 200, 'also beyond its end');
  await disk.truncate(1000);
  await disk.preallocate(SIZE);
  await disk.writeSynced(990, Buffer.alloc(4, 9), true);
  const after = Buffer.from(await disk.read(0, SIZE));
  assert.ok(
    after.subarray(1000).every((byte) => byte === 0),
    'what was cut off does not come back',
  );
  assert.deepEqual([...after.subarray(990, 994)], [9, 9, 9, 9]);
  await disk.close();
  assert.ok(readFileSync(path).equals(after));
});
