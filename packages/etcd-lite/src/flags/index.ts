import { readFileSync } from 'node:fs';
import { createLogger, errorMessage, type Logger, type LogLevel, UsageError } from '@kubelab/component-base';
import { ETCD_VERSION } from '../services/maintenance.ts';
import { TOOLS, toolsHelp } from '../tools/index.ts';
import type { EtcdFlags } from './check.ts';
import type { Notice } from './notice.ts';
import { readSettings, settingsHelp } from './settings.ts';

export { type AutoCompaction, autoCompactionOf, type EtcdFlags } from './check.ts';

const SUMMARY = "A replicated key-value store that speaks etcd's v3 API.";

/**
 * The settings of this process as plain flags; undefined when there is no member to run: help and version have
 * been printed, or an error, with etcd's exit codes (2: no such flag or value, 1: they make no sense together).
 */
export async function settingsOf(
  argv: readonly string[],
): Promise<{ readonly argv: readonly string[]; readonly notices: readonly Notice[] } | undefined> {
  try {
    const settings = await readSettings({
      argv,
      env: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
    });
    if (settings.kind === 'run') return settings;
    process.stdout.write(
      settings.kind === 'version' ? versionText() : settingsHelp(`${SUMMARY}${toolsHelp(TOOLS)}`),
    );
  } catch (error) {
    const hint = error instanceof UsageError && error.hint !== undefined ? ` (${error.hint})` : '';
    process.stderr.write(`Error: ${errorMessage(error)}${hint}\nSee 'kubelab etcd-lite --help' for usage.\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  return undefined;
}

/** `--log-level`, `--log-outputs`. */
export function loggerOf(flags: EtcdFlags): Logger {
  const outputs = flags['log-outputs'].map((output) => DESCRIPTORS[output] ?? output);
  return createLogger('etcd-lite', LEVELS[flags['log-level']] ?? 'error', outputs);
}

const DESCRIPTORS: Readonly<Record<string, number>> = { default: 2, stderr: 2, stdout: 1 };
/** The others are zap's names for what is worse than an error. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
};

/** First line as etcd prints it: scripts read it. */
function versionText(): string {
  return `etcd Version: ${ETCD_VERSION}\nServed by: kubelab etcd-lite\nNode Version: ${process.version}\n`;
}
