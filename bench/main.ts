import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Measure, type Row, verdictOf } from './core/measure.ts';
import { HEADER, renderRows } from './core/table.ts';
import { measures } from './measures/index.ts';
import { driversHere } from './support/drivers.ts';
import { machine } from './support/machine.ts';

const USAGE = `usage: npm run bench [-- name …] [-- --json FILE]
${measures.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}
`;

type Cleanup = () => Promise<void> | void;

interface Report {
  readonly name: string;
  readonly tookSeconds: number;
  readonly rows: readonly (Row & { verdict: string })[];
}

/**
 * Runs the measures named on the command line, or all: a table on standard output, progress on standard
 * error, figures as JSON.
 */
async function main(argv: readonly string[]): Promise<number> {
  const wanted = readArguments(argv);
  if (wanted === undefined) return 2;
  const drivers = await driversHere();
  const cleanups: Cleanup[] = [];
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp(cleanups).finally(() => process.exit(1)));

  process.stdout.write(`${HEADER}\n`);
  const report: Report[] = [];
  for (const measure of wanted.measures) {
    const startMs = performance.now();
    const tell = (line: string) => process.stderr.write(`  … ${measure.name}: ${line}\n`);
    const rows = await runMeasure(measure, { drivers, tell, defer: (cleanup) => cleanups.push(cleanup) });
    await cleanUp(cleanups);
    process.stdout.write(`${renderRows(measure.name, rows)}\n`);
    report.push({
      name: measure.name,
      tookSeconds: (performance.now() - startMs) / 1000,
      rows: rows.map((row) => ({ ...row, verdict: verdictOf(row) })),
    });
    // After each: what was measured is kept when a later one is cut off.
    if (wanted.json !== undefined)
      await writeFile(
        wanted.json,
        `${JSON.stringify({ machine: machine(), measures: report }, undefined, 2)}\n`,
      );
  }
  return report.some(({ rows }) => rows.some((row) => verdictOf(row) === 'failed')) ? 1 : 0;
}

/** One that fails says so in its row; the others still run. */
async function runMeasure(measure: Measure, context: Parameters<Measure['run']>[0]): Promise<readonly Row[]> {
  try {
    return await measure.run(context);
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
    process.stderr.write(`${error instanceof Error ? (error.stack ?? line) : line}\n`);
    return [{ what: measure.summary, unit: 's', failed: line }];
  }
}

async function cleanUp(cleanups: Cleanup[]): Promise<void> {
  for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
}

function readArguments(argv: readonly string[]): { measures: readonly Measure[]; json?: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: argv.filter((word) => word !== '--'), // npm hands a second separator on
      allowPositionals: true,
      options: { json: { type: 'string' }, help: { type: 'boolean' } },
    });
    const unknown = positionals.find((name) => measures.every((measure) => measure.name !== name));
    if (unknown !== undefined) throw new TypeError(`there is no measure "${unknown}"`);
    if (values.help === true) throw new TypeError('measures:');
    const picked = measures.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
    return values.json === undefined ? { measures: picked } : { measures: picked, json: values.json };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n${USAGE}`);
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
