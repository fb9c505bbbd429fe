import { test } from 'node:test';
import { etcd, ours, report } from '../testing/fault-targets.ts';
import { killOften } from './faults.ts';

/** For ours, on every run of the tests; `soak.ts` does it a thousand times. */
const KILLS = Number(process.env['KILLS'] ?? 50);
const KILLS_OF_ETCD = 6;

for (const [target, kills] of [
  [ours, KILLS],
  [etcd, KILLS_OF_ETCD],
] as const) {
  const { name, skip } = target;
  test(`${name}: ${kills} kill -9 of one, two or three members lose no acknowledged write and do none twice`, {
    skip,
  }, async (t) => {
    const trial = await target.start();
    try {
      let deaths: ReadonlyMap<string, number> = new Map();
      const sums = await trial.chapter(async () => {
        deaths = await killOften(trial, kills);
      });
      t.diagnostic(`killed: ${[...deaths].map(([member, count]) => `${member} ${count} times`).join(', ')}`);
      report(t, sums);
    } finally {
      await trial.stop();
    }
  });
}
