import { realDisk, UsageError } from '@kubelab/component-base';
import { openSnapshot } from '../schema/snapshot-file.ts';
import { snapshotStatus, type SnapshotStatus } from '../schema/snapshot-status.ts';
import { toolArguments } from './arguments.ts';

const USAGE = {
  usage: 'snapshot-status <filename> [options]',
  summary: 'Shows what a snapshot holds: hash, revision, total keys, total size, version of the schema',
  flags: {
    'write-out': { type: 'string', default: 'simple', description: 'simple, json or table' },
    'skip-hash-check': {
      type: 'boolean',
      default: false,
      description: 'Ignore the checksum at the end (required if copied from data directory)',
    },
  },
  short: { w: 'write-out' },
} as const;

export async function snapshotStatusTool(argv: readonly string[]): Promise<void> {
  const given = toolArguments(USAGE, argv);
  if (given === undefined) return;
  const { words, flags } = given;
  const [path] = words;
  if (path === undefined || words.length > 1)
    throw new UsageError('snapshot status requires exactly one argument');
  const print = Object.hasOwn(PRINTERS, flags['write-out']) ? PRINTERS[flags['write-out']] : undefined;
  if (print === undefined) throw new UsageError(`invalid output format: ${flags['write-out']}`);
  const { database, close } = await openSnapshot(realDisk, path, {
    skipHashCheck: flags['skip-hash-check'],
  });
  try {
    process.stdout.write(`${print(await snapshotStatus(database))}\n`);
  } finally {
    await close();
  }
}

const PRINTERS: Readonly<Record<string, (status: SnapshotStatus) => string>> = {
  simple: (status) => cells(status).join(', '),
  json: (status) => JSON.stringify(status),
  table: (status) => table(['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE', 'VERSION'], cells(status)),
};

function cells({ hash, revision, totalKey, totalSize, version }: SnapshotStatus): string[] {
  return [hash.toString(16), String(revision), String(totalKey), humanBytes(totalSize), version];
}

function table(header: readonly string[], row: readonly string[]): string {
  const widths = header.map((title, at) => Math.max(title.length, row[at]?.length ?? 0));
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (parts: readonly string[]): string =>
    `|${parts.map((part, at) => ` ${part.padStart(widths[at] ?? 0)} `).join('|')}|`;
  return [rule, line(header), rule, line(row), rule].join('\n');
}

/** As etcd prints sizes: powers of 1000, one decimal below ten. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
  return `${text} ${units[unit]}`;
}
