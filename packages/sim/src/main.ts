import { parseFlags, UsageError } from '@kubelab/component-base';
import { type SimulationResult, simulate } from './simulation.ts';
import { TRACE_HEADER } from './trace.ts';

/**
 * `--seed N`: replays one seed and prints what happened. `--seeds 1-200`: looks for one that fails, and prints a line each.
 * Exit codes: 0 all is well, 1 a promise was broken, 2 usage.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(FLAGS, { argv, env: {}, envPrefix: 'SIM' });
  if (flags.seeds !== undefined) return search(flags.seeds, flags.events);
  process.stdout.write(`${TRACE_HEADER}\n`);
  const isShown = (event: string): boolean => flags.all || !DETAILS.test(event);
  const result = await simulate({
    seed: flags.seed,
    eventCount: flags.events,
    onLine: (line, event) => void (isShown(event) && process.stdout.write(`${line.slice(0, 180)}\n`)),
  });
  process.stdout.write(`${summary(result)}\ntrace ${result.digest}\n`);
}

const FLAGS = {
  seed: { type: 'number', default: 1, description: 'the seed to replay' },
  seeds: { type: 'string', description: 'first-last: search these for one that fails' },
  events: { type: 'number', default: 1500, description: 'events before the world is healed' },
  all: { type: 'boolean', default: false, description: 'print disk operations and timers too' },
} as const;

const DETAILS = /^(disk:|timer|turn|think|patience)/;

async function search(seeds: string, eventCount: number): Promise<void> {
  const [first = 1, last = first] = seeds.split('-').map(Number);
  for (let seed = first; seed <= last; seed++) {
    try {
      process.stdout.write(`${summary(await simulate({ seed, eventCount }))}\n`);
    } catch (err) {
      process.stdout.write(
        `seed ${seed}: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`,
      );
      process.stdout.write(`replay: node packages/sim/src/main.ts --seed ${seed} --events ${eventCount}\n`);
      process.exitCode = 1;
      return;
    }
  }
}

function summary(result: SimulationResult): string {
  const { seed, eventCount, simulatedMs, revision, operationCount, answeredCount, watchEventCount } = result;
  const end = result.isLost ? ', the cluster was given up' : '';
  return (
    `seed ${seed}: ${eventCount} events, ${simulatedMs} ms, ${answeredCount} of ${operationCount} requests answered, ` +
    `revision ${revision}, ${watchEventCount} watch events, ${result.leaderCount} leaders, ` +
    `${result.keysSearched} keys searched${end}`
  );
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (err) {
    process.stderr.write(`${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`);
    process.exitCode = err instanceof UsageError ? 2 : 1;
  }
}
