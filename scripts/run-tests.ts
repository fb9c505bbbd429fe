import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

/**
 * Runs the tests: `unit` (fast, nothing installed), `e2e` (real processes, kernels, containers), or all; a word more picks files by name.
 * Ends with a line that counts, and with the reason of everything that was skipped.
 */
const ROOT = resolve(import.meta.dirname, '..');
const [lane = 'all', filter = ''] = process.argv.slice(2);

const all = globSync(
  ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
  {
    cwd: ROOT,
  },
).toSorted((a, b) => a.localeCompare(b));
const isE2e = (file: string) => file.endsWith('.e2e.test.ts') || file.startsWith('tests/');
const picked = all.filter((file) => file.includes(filter));
const lanes = { unit: picked.filter((file) => !isE2e(file)), e2e: picked.filter(isE2e) };

/** No file of tests takes longer on a machine of two cores; one that does not end by itself has failed. */
const FILE_TIMEOUT_MS = 10 * 60_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const skips = new Set<string>();
const failures: string[] = [];

async function runLane(files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const stream = run({
    files: files.map((file) => resolve(ROOT, file)),
    concurrency,
    cwd: ROOT,
    timeout: FILE_TIMEOUT_MS,
  });
  stream.on('test:fail', ({ name, file, details }) => {
    if (details.type === 'suite') return;
    counts.failed++;
    failures.push(`${file?.replace(`${ROOT}/`, '')}: ${name}`);
  });
  stream.on('test:pass', ({ name, skip, details }) => {
    if (skip !== undefined) {
      counts.skipped++;
      skips.add(`${name}: ${skip === true ? 'no reason given' : String(skip)}`);
    } else if (details.type !== 'suite') counts.passed++;
  });
  await new Promise<void>((done) => {
    const printed = stream.compose(new spec());
    printed.pipe(process.stdout, { end: false });
    printed.once('end', done);
  });
}

if (lane === 'unit' || lane === 'all') await runLane(lanes.unit, availableParallelism());
// One after the other: they measure, and they share the machine's engine and network.
if (lane === 'e2e' || lane === 'all') await runLane(lanes.e2e, 1);

for (const skip of skips) process.stdout.write(`skipped  ${skip}\n`);
for (const failure of failures) process.stdout.write(`failed   ${failure}\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
