import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { parseCluster } from './cluster.ts';
import { FoundingDamagedError, foundingOf, readFounding, writeFounding } from './founding.ts';

describe('what a member began with', () => {
  const founding = foundingOf(parseCluster(['a=http://a:2380', 'b=http://b:2380'], 'a', 't'));
  const path = '/data/member/founding.json';

  test('is read as it was written', async () => {
    const disk = new MemoryDisk();
    assert.equal(await readFounding(disk, '/data/member'), undefined);
    await writeFounding(disk, '/data/member', founding);
    assert.deepEqual({ vote: undefined, ...(await readFounding(disk, '/data/member')) }, founding);
  });

  test('is damaged when any bit of it is changed, unless the words stay the same', async () => {
    const disk = new MemoryDisk();
    await writeFounding(disk, '/data/member', founding);
    const file = Buffer.from(must(disk.files.get(path)));
    disk.files.set(path, file);
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const at = bit >> 3;
      file[at] = must(file[at]) ^ (1 << (bit & 7));
      try {
        const read = await readFounding(disk, '/data/member');
        assert.deepEqual({ vote: undefined, ...read }, founding, `bit ${bit & 7} of byte ${at}`);
      } catch (error) {
        assert.ok(error instanceof FoundingDamagedError, `${String(error)} at byte ${at}`);
      }
      file[at] = must(file[at]) ^ (1 << (bit & 7));
    }
  });
});
