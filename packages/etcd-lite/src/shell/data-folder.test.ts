import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { takeDataFolder } from './data-folder.ts';

describe('a data directory', { skip: process.platform !== 'linux' && 'Linux only' }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'data-folder-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('is made, for nobody else to read', async () => {
    const path = join(folder, 'a', 'b');
    const release = await takeDataFolder(path);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    release();
  });

  test('is used by one process at a time, whatever it is called', async () => {
    const path = join(folder, 'c');
    const release = await takeDataFolder(path);
    await assert.rejects(takeDataFolder(path), /cannot use --data-dir .*c: another process on this machine/);
    await rename(path, join(folder, 'd'));
    await assert.rejects(takeDataFolder(join(folder, 'd')), /another process/);
    const other = await takeDataFolder(path);
    other();
    release();
    const again = await takeDataFolder(join(folder, 'd'));
    again();
  });

  test('that is a file is refused by its name', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await assert.rejects(takeDataFolder(path), /cannot use --data-dir .*file: is not a folder/);
    await assert.rejects(
      takeDataFolder(join(path, 'x')),
      /cannot use --data-dir .*x: is not a folder, or is below/,
    );
  });
});
