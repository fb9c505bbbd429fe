import { parseFlags, UsageError } from '@kubelab/component-base';
import { killOften, pauseOften, troubleNetwork } from './real/faults.ts';
import { Trial } from './real/trial.ts';

/**
 * Real processes under load for hours: chapters of kills, with pauses and network troubles now and then, each
 * chapter held to account. Exit codes: 0 all is well, 1 a promise was broken, 2 usage.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(FLAGS, { argv, env: {}, envPrefix: 'SOAK' });
  const { program } = flags;
  const trial = await Trial.start({
    seed: flags.seed,
    flags: ['--snapshot-count=300'],
    isProxied: true,
    ...(program !== undefined && {
      program: [program],
      asksProgress: false,
      richShare: 0,
      compactLag: Number.MAX_SAFE_INTEGER,
    }),
  });
  let killed = 0;
  try {
    for (let chapter = 1; killed < flags.kills; chapter++) {
      const count = Math.min(flags['per-chapter'], flags.kills - killed);
      const sums = await trial.chapter(async () => {
        await killOften(trial, count);
        if (chapter % flags['outages-every'] !== 0) return;
        await pauseOften(trial, 4);
        await troubleNetwork(trial);
      });
      killed += count;
      process.stdout.write(
        `chapter ${chapter}: ${killed} kills, ${sums.answeredCount} of ${sums.operationCount} requests answered, ` +
          `${sums.revisionCount} revisions, ${sums.watchEventCount} watch events\n`,
      );
    }
    process.stdout.write(`${killed} kills: every promise was kept\n`);
  } finally {
    await trial.stop();
  }
}

const FLAGS = {
  seed: { type: 'number', default: 1, description: 'decides who is struck when, and what clients ask' },
  kills: { type: 'number', default: 1000, description: 'how many kill -9 in all' },
  'per-chapter': { type: 'number', default: 25, description: 'kills between two accounts' },
  'outages-every': {
    type: 'number',
    default: 5,
    description: 'chapters between pauses and network troubles',
  },
  program: { type: 'string', description: "another store with etcd's flags, e.g. etcd; default: etcd-lite" },
} as const;

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (err) {
    process.stderr.write(`${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`);
    process.exitCode = err instanceof UsageError ? 2 : 1;
  }
}
