import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Disk, seededRandom } from '@kubelab/component-base';
import { SimDisk } from './sim-disk.ts';
import { type Life, Timeline } from './timeline.ts';

class Machine {
  readonly timeline = new Timeline();
  readonly disk: SimDisk;
  life: Life = { node: 'n1', isAlive: true, pausedUntilMs: 0 };

  constructor(seed: number) {
    this.disk = new SimDisk(this.timeline, seededRandom(seed));
  }

  /** Carries out what `work` asks of the disk; it may be left hanging by a crash. */
  async run(work: (disk: Disk) => Promise<void>): Promise<void> {
    let error: unknown;
    work(this.disk.as(this.life)).catch((err: unknown) => (error = err));
    while ((await this.timeline.next()) !== undefined);
    if (error !== undefined) throw error instanceof Error ? error : new Error('not an error');
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    let content: Uint8Array | undefined;
    await this.run(async (disk) => {
      content = await disk.readFile(path);
    });
    return content;
  }
}

const BYTES = 5 * 512;

async function writtenTwice(disk: Disk): Promise<void> {
  const file = await disk.open('/f', { create: true });
  await file.write(0, Buffer.alloc(BYTES, 1));
  await file.sync();
  await disk.syncFolder('/');
  await file.write(100, Buffer.alloc(BYTES - 100, 2));
}

describe('the simulated disk', () => {
  test('SIM-2 a crash keeps what was synced, and of the rest whole sectors', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const machine = new Machine(seed);
      await machine.run(writtenTwice);
      machine.disk.crash('some-lost');
      const content = (await machine.read('/f')) ?? new Uint8Array();
      const sectors = Array.from({ length: 5 }, (_, i) => content.subarray(i * 512, (i + 1) * 512));
      assert.ok(sectors[0]?.subarray(0, 100).every((byte) => byte === 1));
      const kinds = sectors
        .map((sector, i) => sector.subarray(i === 0 ? 100 : 0))
        .map((part) => new Set(part));
      assert.ok(
        kinds.every(({ size }) => size === 1),
        'no sector is half written',
      );
      seen.add(kinds.map(([kind]) => kind).join(''));
    }
    assert.ok(seen.size > 10, 'torn in many ways');
  });

  test('SIM-2 everything is lost, or nothing, when the crash is of that kind', async () => {
    for (const [tearing, kind] of [
      ['all-lost', 1],
      ['none-lost', 2],
    ] as const) {
      const machine = new Machine(1);
      await machine.run(writtenTwice);
      machine.disk.crash(tearing);
      assert.equal((await machine.read('/f'))?.at(-1), kind);
    }
  });

  test('SIM-2 of a write that loses its first sector alone the rest is there', async () => {
    const machine = new Machine(1);
    await machine.run(writtenTwice);
    machine.disk.crash('first-lost');
    const content = Buffer.from((await machine.read('/f')) ?? []);
    assert.deepEqual([content[511], content[512], content.at(-1)], [1, 2, 2]);
  });

  test('SIM-2 what a file held before it was cut does not come back', async () => {
    const machine = new Machine(1);
    await machine.run(writtenTwice);
    await machine.run(async (disk) => {
      const file = await disk.open('/f');
      await file.truncate(100);
      await file.preallocate(BYTES);
      await file.sync();
    });
    machine.disk.crash('all-lost');
    const content = Buffer.from((await machine.read('/f')) ?? []);
    assert.deepEqual([content.length, content.lastIndexOf(1)], [BYTES, 99]);
  });

  test('SIM-3 names that were not synced may be gone, those that were stay', async () => {
    const machine = new Machine(1);
    await machine.run(async (disk) => {
      await disk.makeFolder('/a');
      await disk.syncFolder('/');
      const file = await disk.open('/a/old', { create: true });
      await file.write(0, Uint8Array.of(1));
      await file.sync();
      await disk.syncFolder('/a');
      await disk.rename('/a/old', '/a/new');
      await disk.makeFolder('/b');
    });
    assert.deepEqual([...(await machine.read('/a/new'))!], [1]);
    machine.disk.crash('all-lost');
    assert.deepEqual([...(await machine.read('/a/old'))!], [1]);
    assert.equal(await machine.read('/a/new'), undefined);
    await assert.rejects(
      machine.run((disk) => disk.syncFolder('/b')),
      { code: 'ENOENT' },
    );
  });

  test('a failed sync makes nothing durable; a full disk takes nothing; the dead get no answer', async () => {
    const machine = new Machine(1);
    await machine.run(writtenTwice);
    const again = (disk: Disk): Promise<void> => disk.open('/f').then((file) => file.sync());
    machine.disk.mood.failsSync = true;
    await assert.rejects(machine.run(again), { code: 'EIO' });
    machine.disk.mood.isFull = true;
    await assert.rejects(
      machine.run(async (disk) => (await disk.open('/f')).write(0, Uint8Array.of(9))),
      { code: 'ENOSPC' },
    );
    machine.disk.crash('all-lost');
    assert.equal((await machine.read('/f'))?.at(-1), 1);
    machine.life.isAlive = false;
    assert.equal(await machine.read('/f'), undefined);
  });
});
