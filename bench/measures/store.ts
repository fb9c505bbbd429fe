import type { Measure, Row } from '../core/measure.ts';
import { FIGURES, type FigureId } from '../etcd/core/figures.ts';
import type { Result } from '../etcd/core/results.ts';
import { FULL } from '../etcd/core/scale.ts';
import { runFigures } from '../etcd/run.ts';

const IDS: readonly FigureId[] = [
  'put-1-64',
  'put-3-64',
  'txn-1',
  'get-serializable',
  'get-linearizable',
  'list',
];

/** The short form of `npm run bench:etcd`: the figures that tell most, against the real etcd. */
export const store: Measure = {
  name: 'store',
  summary: 'puts, transactions, gets and lists of etcd-lite against the real etcd; more: npm run bench:etcd',
  async run(context) {
    const results = await runFigures({
      ids: IDS,
      scale: FULL,
      defer: (cleanup) => context.defer(cleanup),
      tell: (line) => context.tell(line),
    });
    return results.flatMap(rowsOf);
  },
};

function rowsOf({ id, ours, etcd, ratio, verdict, text }: Result): Row[] {
  const { what, unit } = FIGURES[id];
  const told = { what: `${what}: ÷ etcd's`, unit: '×' } as const;
  if (verdict === 'failed') return [{ ...told, failed: text }];
  if (ours === undefined || etcd === undefined || ratio === undefined) return [{ ...told, skipped: text }];
  const samples = ours.samples.map(({ value }, i) => value / (etcd.samples[i]?.value ?? Number.NaN));
  const note = `${ours.value.toFixed(0)} ${unit} against ${etcd.value.toFixed(0)} ${unit}`;
  const row = { ...told, value: ratio, note, samples };
  // What is counted per core-second says nothing new per operation.
  if (unit !== '/s' || ours.cpuMicros === undefined || etcd.cpuMicros === undefined) return [row];
  const cpu = {
    what: `${what}: CPU/op ÷ etcd's`,
    unit: '×',
    value: ours.cpuMicros / etcd.cpuMicros,
    note: `${ours.cpuMicros.toFixed(0)} µs against ${etcd.cpuMicros.toFixed(0)} µs, all members`,
  } as const;
  return [row, cpu];
}
