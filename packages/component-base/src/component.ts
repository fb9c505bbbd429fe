import { readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { type Flags, type FlagSpecs, helpText, parseFlags, UsageError } from './flags.ts';
import { createLogger, errorMessage, type Logger } from './log.ts';
import type { Random } from './random.ts';
import { realClock } from './real-clock.ts';
import { realRandom } from './real-random.ts';

/** What every process gets at its start. */
export interface ComponentContext<S extends FlagSpecs> {
  readonly flags: Flags<S>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the process is asked to end (SIGTERM, SIGINT). */
  readonly signal: AbortSignal;
  /** Registers something to stop; run in reverse order of registration. */
  readonly onStop: (stop: () => Promise<void> | void) => void;
  /** Gives the process up at once with exit code 1: lost lease, failed fsync, broken invariant. */
  readonly fatal: (msg: string, err?: unknown) => never;
}

export interface ComponentOptions<S extends FlagSpecs> {
  /** Upstream's name: `kube-proxy`, `kubelet`, … */
  readonly name: string;
  readonly summary: string;
  readonly flags: S;
  /** How it logs; default: to stderr, from `--v=4` on with debug lines. */
  logger?(flags: Flags<S>): Logger;
  /** Resolves once the component runs; it goes on until the signal. */
  start(context: ComponentContext<S>): Promise<void>;
}

const COMMON = {
  v: { type: 'number', default: 2, description: 'log verbosity: 4 and above log debug lines' },
  config: { type: 'string', description: 'JSON file with the same keys as the flags' },
} as const satisfies FlagSpecs;

const STOP_TIMEOUT_MS = 30_000;

/**
 * Runs one process: flags, logs, signals, ordered stop. Exit codes: 0 asked to end, 1 fatal, 2 usage.
 * Crash-only: an unhandled rejection or a broken invariant is logged once and ends the process; starting again is the tested path.
 */
export async function runComponent<const S extends FlagSpecs>(
  options: ComponentOptions<S>,
  argv: readonly string[],
): Promise<void> {
  const specs = { ...COMMON, ...options.flags };
  const usage = `kubelab ${options.name} [flags]`;
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText(usage, options.summary, specs));
    return;
  }
  const flags = readFlagsOrExit(specs, options, argv);
  const log = options.logger?.(flags) ?? createLogger(options.name, Number(flags.v) >= 4 ? 'debug' : 'info');
  const stopper = new AbortController();
  const stops: (() => Promise<void> | void)[] = [];
  const fatal = (msg: string, err?: unknown): never => {
    log.error(msg, { err });
    process.exit(1);
  };
  process.on('uncaughtException', (err) => fatal('uncaught exception', err));
  process.on('unhandledRejection', (err) => fatal('unhandled rejection', err));
  // A second signal while it is stopping changes nothing.
  const stop = () => {
    if (!stopper.signal.aborted) void stopAll(stopper, stops, log).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    await options.start({
      flags,
      log,
      clock: realClock,
      random: realRandom,
      signal: stopper.signal,
      onStop: (fn) => void stops.push(fn),
      fatal,
    });
  } catch (err) {
    if (stopper.signal.aborted) return;
    log.error('start failed', { err });
    // Somebody who sits there and has just typed it looks for a sentence.
    if (process.stderr.isTTY) process.stderr.write(`Error: ${errorMessage(err)}\n`);
    process.exit(1);
  }
}

function readFlagsOrExit<S extends FlagSpecs>(
  specs: S,
  { name, flags: own }: { readonly name: string; readonly flags: FlagSpecs },
  argv: readonly string[],
): Flags<S> {
  // A component with a `config` flag of its own reads that file itself: upstream's component configuration.
  const isOurs = !Object.hasOwn(own, 'config');
  try {
    const configAt = argv.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
    const path = configAt < 0 ? undefined : (argv[configAt]?.split('=')[1] ?? argv[configAt + 1]);
    const file =
      path === undefined || !isOurs
        ? undefined
        : (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>);
    const envPrefix = `KUBELAB_${name.replaceAll('-', '_').toUpperCase()}`;
    return parseFlags(specs, { argv, env: process.env, envPrefix, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    const hint = error instanceof UsageError && error.hint !== undefined ? ` (${error.hint})` : '';
    process.stderr.write(`Error: ${errorMessage(error)}${hint}\nSee 'kubelab ${name} --help' for usage.\n`);
    process.exit(2);
  }
}

async function stopAll(
  stopper: AbortController,
  stops: readonly (() => Promise<void> | void)[],
  log: Logger,
): Promise<void> {
  setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
  stopper.abort(new Error('asked to stop'));
  for (const stop of stops.toReversed()) {
    try {
      await stop();
    } catch (err) {
      log.warn('stop failed', { err });
    }
  }
}
