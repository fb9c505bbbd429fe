import { setTimeout as delay } from 'node:timers/promises';
import type { StoreCluster } from '../../support/store-cluster.ts';
import { diskBytes, rssMegabytes } from '../../support/usage.ts';
import type { FigureId } from '../core/figures.ts';
import { foreignCores, type LoadReport } from '../core/load-report.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { alternate } from '../support/rounds.ts';

const VALUE_BYTES = 1024;
const PREFIX = '/registry/data/';
const KEY_BYTES = PREFIX.length + 8;
/** Both programs are left alone so long before their memory or their files are looked at. */
const SETTLE_MS = 1000;
const READY_MAX_S = 60;
const RESTART_FIGURES: readonly FigureId[] = ['restart', 'restart-kill', 'rss-restart'];
const RESTARTS = [
  { id: 'restart', signal: 'SIGTERM' },
  { id: 'restart-kill', signal: 'SIGKILL' },
] as const;

/** Many keys of 1 KB: memory, restarts, and the disk after all of them were overwritten again and again. */
export const storedData: Scenario = {
  name: 'stored data',
  figures: ['restart', 'restart-kill', 'rss-load', 'rss-restart', 'disk-ratio'],
  run: (bench) =>
    alternate(bench, { rounds: 1, members: 1, name: 'stored data' }, async (store) => {
      const { dataKeys } = bench.scale;
      const loaded = await fill(bench, store);
      await recordMemory(bench, store, 'rss-load', loaded);
      if (RESTART_FIGURES.some(bench.wants)) await restarts(bench, store);
      if (bench.wants('disk-ratio')) await churn(bench, store);
      for (const id of storedData.figures) bench.results.note(id, `${dataKeys / 1000} k × 1 KB`);
    }),
};

/** Every key once, in order. */
async function fill(bench: Bench, store: StoreCluster): Promise<LoadReport> {
  const { endpoint } = await store.leader();
  const { dataKeys } = bench.scale;
  return bench.client.run('put', {
    ...{ endpoints: [endpoint], pids: store.pids, connections: 8, streams: 32 },
    ...{ count: dataKeys, keys: dataKeys, valueBytes: VALUE_BYTES, prefix: PREFIX, seconds: READY_MAX_S },
  });
}

async function recordMemory(
  bench: Bench,
  store: StoreCluster,
  id: 'rss-load' | 'rss-restart',
  during?: LoadReport,
): Promise<void> {
  await delay(SETTLE_MS);
  const value = await rssMegabytes(store.pids[0] ?? 0);
  const foreign = during === undefined ? {} : { foreignCores: foreignCores(during) };
  bench.results.record(id, store.program, { value, ...foreign });
}

/** From the new process's start to its answer. */
async function restarts(bench: Bench, store: StoreCluster): Promise<void> {
  const [member] = store.members;
  if (member === undefined) return;
  for (let round = 1; round <= bench.scale.rounds; round++) {
    for (const { id, signal } of RESTARTS) {
      await store.endMember(member, signal);
      const startMs = Number(process.hrtime.bigint()) / 1e6;
      store.startMember(member);
      const { answeredAtMs } = await bench.client.run('ready', {
        ...{ endpoints: [member.endpoint], prefix: PREFIX, seconds: READY_MAX_S },
      });
      bench.results.record(id, store.program, { value: (answeredAtMs - startMs) / 1000 });
      if (id === 'restart') await recordMemory(bench, store, 'rss-restart');
    }
  }
}

/**
 * Overwrites everything, then compacts as a Kubernetes API server does: stands for a day's churn, because what
 * grows with each pass is seen after a few. The worst pass counts. Nobody defragments.
 */
async function churn(bench: Bench, store: StoreCluster): Promise<void> {
  const { dataKeys, churnPasses } = bench.scale;
  const liveBytes = dataKeys * (VALUE_BYTES + KEY_BYTES);
  let worst = 0;
  for (let pass = 1; pass <= churnPasses; pass++) {
    await fill(bench, store);
    const { header } = await store.client.range({ key: Buffer.from('absent') });
    await store.client.compact(
      { revision: header.revision, physical: true },
      { timeoutMs: READY_MAX_S * 1000 },
    );
    await delay(SETTLE_MS);
    const ratio = (await diskBytes(store.folder)) / liveBytes;
    bench.tell(`${store.program}: ${ratio.toFixed(2)} × after pass ${pass} of ${churnPasses}`);
    worst = Math.max(worst, ratio);
  }
  bench.results.record('disk-ratio', store.program, { value: worst });
}
