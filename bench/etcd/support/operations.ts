import type { StoreCluster } from '../../support/store-cluster.ts';
import type { FigureId } from '../core/figures.ts';
import type { LoadReport } from '../core/load-report.ts';
import type { Bench } from '../scenario.ts';
import type { LoadMode, LoadOptions } from './load-client.ts';
import { sampleOf, telling } from './rounds.ts';

/** A load that gives one figure or some. */
export interface Operation {
  readonly mode: LoadMode;
  readonly options: Omit<LoadOptions, 'endpoints' | 'pids'>;
  readonly gives: readonly (readonly [FigureId, (report: LoadReport) => number])[];
}

export const rate = ({ operations, seconds }: LoadReport): number => operations / seconds;
export const perCore = ({ operations, cpuSeconds }: LoadReport): number => operations / cpuSeconds.servers;
export const itemsPerCore = ({ items, cpuSeconds }: LoadReport): number => items / cpuSeconds.servers;

export const p50 = ({ latency }: LoadReport): number => latency.p50;
export const p99 = ({ latency }: LoadReport): number => latency.p99;

export function figuresIn(operations: readonly Operation[]): FigureId[] {
  return operations.flatMap(({ gives }) => gives.map(([id]) => id));
}

/** Runs the wanted ones of these, at the leader, and records what they give. */
export async function measureOperations(
  bench: Bench,
  store: StoreCluster,
  operations: readonly Operation[],
): Promise<void> {
  const { endpoint } = await store.leader();
  for (const operation of operations) {
    const ids = figuresIn([operation]);
    if (ids.some((id) => bench.wants(id)))
      await bench.attempt(ids, () =>
        telling(store, () => measureOperation(bench, store, endpoint, operation)),
      );
  }
}

async function measureOperation(
  bench: Bench,
  store: StoreCluster,
  endpoint: string,
  { mode, options, gives }: Operation,
): Promise<void> {
  const { seconds, warmUpSeconds: warmUp } = bench.scale;
  const before = await revisionOf(store);
  const common = { warmUp, seconds, endpoints: [endpoint], pids: store.pids };
  const report = await bench.client.run(mode, { ...common, ...options });
  const revisions = (await revisionOf(store)) - before;
  const puts = mode === 'put' ? report.operations : report.writes;
  if (revisions < puts) throw new Error(`${store.program}: ${puts} puts, but ${revisions} revisions`);
  for (const [id, valueOf] of gives)
    bench.results.record(id, store.program, sampleOf(report, valueOf(report)));
}

/** It counts what was written, so that nobody takes refusals for successes. */
async function revisionOf(store: StoreCluster): Promise<number> {
  return (await store.client.range({ key: Buffer.from('absent') })).header.revision;
}
