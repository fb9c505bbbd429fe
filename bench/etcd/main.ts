import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from '../support/machine.ts';
import { FIGURES, type FigureId, figuresOf } from './core/figures.ts';
import type { Result } from './core/results.ts';
import { FULL, QUICK, type Scale } from './core/scale.ts';
import { HEADER, renderResult } from './core/table.ts';
import { runFigures } from './run.ts';
import type { Cleanup } from './scenario.ts';

const USAGE = `usage: npm run bench:etcd [-- G1 G9 …] [--quick] [--gigabyte] [--json FILE]

Measures etcd-lite beside Debian's etcd: same machine, same run, taking turns.

  --quick      one round, shorter and smaller: to try it out
  --gigabyte   compaction and defragmentation (G14) of 1 GB instead of 256 MB
  --json FILE  everything as JSON, with every round's values
`;

interface Wanted {
  readonly ids: readonly FigureId[];
  readonly scale: Scale;
  readonly json?: string;
}

async function main(argv: readonly string[]): Promise<number> {
  const wanted = readArguments(argv);
  if (wanted === undefined) return 2;
  const cleanups: Cleanup[] = [];
  const cleanUp = async () => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(1)));

  process.stdout.write(`${HEADER}\n`);
  const before = machine();
  const startMs = performance.now();
  const done: Result[] = [];
  await runFigures({
    ids: wanted.ids,
    scale: wanted.scale,
    defer: (cleanup) => cleanups.push(cleanup),
    tell: (line) => process.stderr.write(`  … ${line}\n`),
    onResults: async (results) => {
      for (const result of results) process.stdout.write(`${renderResult(result)}\n`);
      done.push(...results);
      // After each: what was measured is kept when a later one is cut off.
      if (wanted.json !== undefined) await writeJson(wanted.json, wanted.scale, before, done);
    },
  });
  process.stderr.write(`  … took ${Math.round((performance.now() - startMs) / 1000)} s\n`);
  return done.some(({ verdict }) => verdict === 'failed') ? 1 : 0;
}

async function writeJson(
  file: string,
  scale: Scale,
  before: unknown,
  results: readonly Result[],
): Promise<void> {
  const rows = results.map((result) => ({ ...FIGURES[result.id], ...result }));
  await writeFile(file, `${JSON.stringify({ machine: before, scale, rows }, undefined, 2)}\n`);
}

function readArguments(argv: readonly string[]): Wanted | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: argv.filter((word) => word !== '--'), // npm hands a second separator on
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        gigabyte: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) throw new TypeError('figures: G1 to G18');
    const figures = figuresOf(positionals);
    if ('unknown' in figures) throw new TypeError(`there is no goal "${figures.unknown}"`);
    const scale = { ...(values.quick ? QUICK : FULL), ...(values.gigabyte ? { defragMegabytes: 1024 } : {}) };
    return { ids: figures.ids, scale, ...(values.json === undefined ? {} : { json: values.json }) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n${USAGE}`);
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
