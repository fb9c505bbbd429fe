import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { ours, report } from '../testing/fault-targets.ts';
import { SmallDisk } from '../testing/small-disk.ts';
import type { Trial } from './trial.ts';

const BYTES = 80 * 1024 * 1024;
const NAMES = ['etcd-1', 'etcd-2', 'etcd-3'];
const EXIT_MS = 30_000;

const probe = SmallDisk.mount(BYTES);
const skip = probe === undefined && 'this process may not mount file systems';
probe?.[Symbol.dispose]();

describe('three processes whose disks fill up', { skip }, () => {
  const disks = new Map<string, SmallDisk>();
  let trial: Trial;
  before(async () => {
    for (const name of NAMES) {
      const disk = SmallDisk.mount(BYTES);
      if (disk !== undefined) disks.set(name, disk);
    }
    trial = await ours.start({ dataDir: (name) => `${disks.get(name)?.folder}/data` });
  });
  after(async () => {
    await trial.stop();
    for (const disk of disks.values()) disk[Symbol.dispose]();
  });

  const dead = (): string[] => {
    return trial.cluster.members.filter(({ child }) => child?.exitCode !== null).map(({ name }) => name);
  };

  /** Waits until so many have given up, and holds them to a clear word. */
  async function someGiveUp(count: number): Promise<string[]> {
    await eventually(`${count} give up`, () => dead().length >= count, EXIT_MS);
    for (const name of dead()) {
      assert.equal(trial.cluster.members.find((each) => each.name === name)?.child?.exitCode, 1);
      assert.match(trial.cluster.lastWords(name), /ENOSPC/);
    }
    return dead();
  }

  test('a leader with a full disk gives up with a clear word, others go on, and it comes back', async (t) => {
    const sums = await trial.chapter(async () => {
      const leader = await trial.cluster.leader();
      disks.get(leader)?.fill();
      assert.deepEqual(await someGiveUp(1), [leader]);
      const before = trial.answeredCount;
      await eventually('the others go on', () => trial.answeredCount > before + 50, EXIT_MS);
      disks.get(leader)?.free();
      trial.cluster.startMember(leader);
      await trial.answers(leader);
    });
    report(t, sums);
  });

  test('with all disks full nothing is acknowledged that is not kept, and all is there when there is room again', async (t) => {
    const sums = await trial.chapter(async () => {
      for (const disk of disks.values()) disk.fill();
      // Then there is no majority, and the third has nothing to write any more.
      await someGiveUp(2);
      for (const disk of disks.values()) disk.free();
      // The third may only now notice what happened to it.
      await eventually('all answer', async () => {
        for (const name of dead()) trial.cluster.startMember(name);
        await Promise.all(NAMES.map((name) => trial.answers(name)));
        return true;
      });
    });
    report(t, sums);
  });
});
