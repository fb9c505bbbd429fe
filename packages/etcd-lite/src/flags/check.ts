import { type Flags, parseDuration } from '@kubelab/component-base';
import type { etcdFlags } from '../flags.ts';
import { ConfigError } from './notice.ts';
import { checkBindUrls, checkHostUrls, requireUrl } from './urls.ts';

export type EtcdFlags = Flags<typeof etcdFlags>;

/** etcd's `maxElectionMs`. */
const ELECTION_MS_MAX = 50_000;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'];

/**
 * What etcd's `Config.Validate` refuses, in its order and words: values that are each well-formed, and do not
 * make sense.
 * @throws ConfigError
 */
export function checkFlags(flags: EtcdFlags): void {
  try {
    checkLog(flags);
    for (const listen of [
      flags['listen-peer-urls'],
      flags['listen-client-urls'],
      flags['listen-client-http-urls'] ?? [],
      flags['listen-metrics-urls'] ?? [],
    ])
      checkBindUrls(listen);
    checkHostUrls('initial-advertise-peer-urls', flags['initial-advertise-peer-urls']);
    checkHostUrls('advertise-client-urls', flags['advertise-client-urls']);
    for (const part of flags['initial-cluster'])
      wrapped('error setting up initial cluster', () => requireUrl(part.slice(part.indexOf('=') + 1)));
    checkClocks(flags['heartbeat-interval'], flags['election-timeout']);
    if (flags['advertise-client-urls'].length === 0)
      throw new Error('--advertise-client-urls is required when --listen-client-urls is set explicitly');
    autoCompactionOf(flags);
    checkTls(flags);
    if (flags['experimental-compact-hash-check-time'] <= 0)
      throw new Error('--experimental-compact-hash-check-time must be >0 (set to 0s)');
    if (flags['bcrypt-cost'] < 4 || flags['bcrypt-cost'] > 31)
      throw new Error(`--bcrypt-cost must be between 4 and 31 (set to ${flags['bcrypt-cost']})`);
    if (!['basic', 'extensive'].includes(flags.metrics))
      throw new Error(`--metrics must be basic or extensive (set to "${flags.metrics}")`);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function wrapped(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

function checkLog(flags: EtcdFlags): void {
  // capnslog is 3.4's name for what it did by default: scripts may still say it.
  if (!['zap', 'capnslog'].includes(flags.logger)) throw new Error(`unknown logger option "${flags.logger}"`);
  if (!LOG_LEVELS.includes(flags['log-level']))
    throw new Error(`unrecognized level: "${flags['log-level']}"`);
  const outputs = flags['log-outputs'];
  if (outputs.includes('systemd/journal'))
    throw new Error('--log-outputs: systemd/journal is not offered; the journal takes stderr by itself');
  if (outputs.length > 1 && outputs.includes('default'))
    throw new Error('multi logoutput for "default" is not supported yet');
}

function checkClocks(heartbeatMs: number, electionMs: number): void {
  if (heartbeatMs === 0) throw new Error(`--heartbeat-interval must be >0 (set to ${heartbeatMs}ms)`);
  if (electionMs === 0) throw new Error(`--election-timeout must be >0 (set to ${electionMs}ms)`);
  if (5 * heartbeatMs > electionMs) {
    throw new Error(
      `--election-timeout[${electionMs}ms] should be at least as 5 times as --heartbeat-interval[${heartbeatMs}ms]`,
    );
  }
  if (electionMs > ELECTION_MS_MAX) {
    throw new Error(
      `--election-timeout[${electionMs}ms] is too long, and should be set less than ${ELECTION_MS_MAX}ms`,
    );
  }
}

function checkTls(flags: EtcdFlags): void {
  const versions = ['TLS1.2', 'TLS1.3'];
  const [min, max] = [flags['tls-min-version'] || 'TLS1.2', flags['tls-max-version'] || 'TLS1.3'];
  for (const version of [min, max])
    if (!versions.includes(version)) throw new Error(`unexpected TLS version "${version}"`);
  if (min > max) throw new Error(`min version (${min}) is greater than max version (${max})`);
  if (min === 'TLS1.3' && (flags['cipher-suites'] ?? []).length > 0)
    throw new Error('cipher suites cannot be configured when only TLS1.3 is enabled');
}

/** How much history is kept by itself. */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly retentionMs: number }
  | { readonly mode: 'revision'; readonly retention: number };

/**
 * `--auto-compaction-*`; undefined: none. A plain number means hours, or revisions.
 * @throws Error
 */
export function autoCompactionOf(
  flags: Pick<EtcdFlags, 'auto-compaction-mode' | 'auto-compaction-retention'>,
): AutoCompaction | undefined {
  const { 'auto-compaction-mode': mode, 'auto-compaction-retention': text } = flags;
  if (mode === '') throw new Error('undefined auto-compaction-mode');
  if (mode !== 'periodic' && mode !== 'revision') throw new Error(`unknown auto-compaction-mode "${mode}"`);
  const isNumber = /^\d+$/.test(text);
  if (isNumber && Number(text) === 0) return undefined;
  if (mode === 'revision') {
    if (!isNumber) throw new Error(`error parsing CompactionRetention: "${text}" is no number of revisions`);
    return { mode, retention: Number(text) };
  }
  const retentionMs = isNumber ? Number(text) * 3_600_000 : parseDuration(text);
  if (retentionMs === undefined)
    throw new Error(`error parsing CompactionRetention: time: invalid duration "${text}"`);
  if (retentionMs < 0) throw new Error(`--auto-compaction-retention must not be negative (set to ${text})`);
  return retentionMs === 0 ? undefined : { mode, retentionMs };
}
