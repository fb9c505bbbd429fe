import { describe, test } from 'node:test';
import { etcd, ours, report } from '../testing/fault-targets.ts';
import { pauseOften, TROUBLES, troubleNetwork } from './faults.ts';

/** Members that stop for a while, and networks that fail: everybody still lives, and believes what he last knew. */
for (const [target, pauses, troubles] of [
  [ours, 6, TROUBLES],
  [etcd, 2, TROUBLES.slice(0, 4)],
] as const) {
  describe(`${target.name} keeps its promises`, { skip: target.skip }, () => {
    test(`over ${pauses} pauses of leader and followers, longer than an election takes`, async (t) => {
      const trial = await target.start();
      try {
        report(t, await trial.chapter(() => pauseOften(trial, pauses)));
      } finally {
        await trial.stop();
      }
    });

    test(`over ${troubles.length} troubles of the network, one-way partitions among them`, async (t) => {
      const trial = await target.start({ isProxied: true });
      try {
        report(t, await trial.chapter(() => troubleNetwork(trial, troubles)));
      } finally {
        await trial.stop();
      }
    });
  });
}
