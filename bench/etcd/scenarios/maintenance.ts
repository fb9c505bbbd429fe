import { setTimeout as delay } from 'node:timers/promises';
import type { StoreCluster } from '../../support/store-cluster.ts';
import { foreignCores, type LoadReport } from '../core/load-report.ts';
import type { FigureId } from '../core/figures.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { alternate } from '../support/rounds.ts';

const VALUE_BYTES = 4096;
const PREFIX = '/registry/data/';
/** Everything is written twice, so that half of it can be thrown away. */
const PASSES = 2;
const MAINTENANCE_MAX_S = 120;
/** Around the maintenance, so that what it does before and after its answer is seen too. */
const MARGIN_MS = 500;

/** One reader and one writer, each with one request at a time, while old revisions are thrown away. */
export const maintenance: Scenario = {
  name: 'maintenance',
  figures: ['defrag-max', 'quiet-max'],
  run: (bench) =>
    alternate(bench, { rounds: 1, members: 1, name: 'compact + defrag' }, async (store) => {
      const megabytes = bench.scale.defragMegabytes;
      const keys = Math.floor((megabytes * 2 ** 20) / PASSES / VALUE_BYTES);
      const { endpoint } = await store.leader();
      const common = { endpoints: [endpoint], keys, valueBytes: VALUE_BYTES, prefix: PREFIX };
      for (let pass = 0; pass < PASSES; pass++)
        await bench.client.run('put', { ...common, count: keys, connections: 8, streams: 32, seconds: 300 });
      const load = { ...common, writers: 1, pids: store.pids };
      record(
        bench,
        store,
        'quiet-max',
        await bench.client.run('get', { ...load, seconds: bench.scale.seconds }),
      );

      const running = bench.client.start('get', { ...load, seconds: MAINTENANCE_MAX_S });
      await delay(MARGIN_MS);
      await compactAndDefragment(bench, store, endpoint);
      await delay(MARGIN_MS);
      running.interrupt();
      record(bench, store, 'defrag-max', await running.report);
      for (const id of maintenance.figures) bench.results.note(id, `${megabytes} MB`);
    }),
};

async function compactAndDefragment(bench: Bench, store: StoreCluster, endpoint: string): Promise<void> {
  const { header } = await store.client.range({ key: Buffer.from('absent') });
  const timeoutMs = MAINTENANCE_MAX_S * 1000;
  await store.client.compact({ revision: header.revision, physical: true }, { timeoutMs });
  const path = '/etcdserverpb.Maintenance/Defragment';
  const { seconds } = await bench.client.run('call', {
    endpoints: [endpoint],
    path,
    count: 1,
    seconds: MAINTENANCE_MAX_S,
  });
  bench.tell(`${store.program}: defragmented in ${seconds.toFixed(3)} s`);
}

function record(bench: Bench, store: StoreCluster, id: FigureId, report: LoadReport): void {
  const value = Math.max(report.latency.max, report.writeLatency.max);
  bench.results.record(id, store.program, { value, foreignCores: foreignCores(report) });
}
