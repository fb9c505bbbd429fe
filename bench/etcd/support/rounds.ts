import { StoreCluster, type StoreOptions, type StoreProgram } from '../../support/store-cluster.ts';
import { cpuMicros, foreignCores, type LoadReport } from '../core/load-report.ts';
import type { Sample } from '../core/results.ts';
import type { Bench } from '../scenario.ts';

export interface RoundOptions extends StoreOptions {
  readonly rounds: number;
  readonly members: number;
  /** For the line of progress. */
  readonly name: string;
}

/** Both programs in each round, the order changing from round to round, each with a new store. */
export async function alternate(
  bench: Bench,
  { rounds, members, name, ...options }: RoundOptions,
  measure: (store: StoreCluster) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const order: StoreProgram[] = round % 2 === 1 ? ['etcd-lite', 'etcd'] : ['etcd', 'etcd-lite'];
    for (const program of order) {
      bench.tell(`${name}, round ${round} of ${rounds}: ${program}`);
      const store = await StoreCluster.start(program, members, options);
      bench.defer(() => store.stop());
      await telling(store, () => measure(store));
      await store.stop();
    }
  }
}

/** What went wrong may be the consequence of a member's end: then that is what is told. */
export async function telling<T>(store: StoreCluster, what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (error) {
    await store.assertAlive();
    throw error;
  }
}

/** A value taken from a report, with what the report says about CPU. */
export function sampleOf(report: LoadReport, value: number): Sample {
  return { value, cpuMicros: cpuMicros(report), foreignCores: foreignCores(report) };
}
