import type { ServerOptions } from '@kubelab/rpc';
import type { authOptions } from '../auth/index.ts';
import type { SiteOptions } from '../http/site.ts';
import type { MemberOptions } from '../shell/member.ts';
import type { Tuning } from '../shell/tuning.ts';
import type { EtcdFlags } from './check.ts';

const QUOTA_BYTES = 2 * 1024 * 1024 * 1024;
/** More than fits anywhere, and still a number for messages. */
export const NO_QUOTA_BYTES = Number.MAX_SAFE_INTEGER;
/** What gRPC adds around a request of the largest size, as etcd reckons. */
const GRPC_OVERHEAD_BYTES = 512 * 1024;

/** What of a member's options the flags say as they are. */
export function memberOptionsOf(flags: EtcdFlags) {
  return {
    walDir: flags['wal-dir'],
    clientUrls: flags['advertise-client-urls'],
    peerUrls: flags['initial-advertise-peer-urls'],
    heartbeatMs: flags['heartbeat-interval'],
    electionMs: flags['election-timeout'],
    snapshotCount: flags['snapshot-count'],
    quotaBytes: quotaBytesOf(flags),
    tuning: tuningOf(flags),
    forceNewCluster: flags['force-new-cluster'],
    strictReconfig: flags['strict-reconfig-check'],
    learnersMax: flags['max-learners'],
    autoPromote: flags['auto-promote'],
  } satisfies Partial<MemberOptions>;
}

export function authFlagsOf(flags: EtcdFlags) {
  return {
    token: flags['auth-token'],
    ttlMs: flags['auth-token-ttl'] * 1000,
    bcryptCost: flags['bcrypt-cost'],
    trustsCertificates: flags['client-cert-auth'],
  } satisfies Partial<Parameters<typeof authOptions>[0]>;
}

/** `--quota-backend-bytes`: 0 means 2 GiB, less means no limit. */
function quotaBytesOf({ 'quota-backend-bytes': bytes }: EtcdFlags): number {
  if (bytes === 0) return QUOTA_BYTES;
  return bytes < 0 ? NO_QUOTA_BYTES : bytes;
}

function tuningOf(flags: EtcdFlags): Partial<Tuning> {
  return {
    requestBytesMax: flags['max-request-bytes'],
    txnOpsMax: flags['max-txn-ops'],
    catchUpEntries: flags['experimental-snapshot-catchup-entries'],
    slowApplyMs: flags['experimental-warning-apply-duration'],
    fragmentBytesMax: flags['max-request-bytes'] + GRPC_OVERHEAD_BYTES,
    preVote: flags['pre-vote'],
  };
}

export function siteOptionsOf(flags: EtcdFlags): SiteOptions {
  return {
    cors: flags.cors,
    hosts: flags['host-whitelist'],
    hasGateway: flags['enable-grpc-gateway'],
    requestBytesMax: flags['max-request-bytes'] + GRPC_OVERHEAD_BYTES,
  };
}

export function clientServerOptionsOf(flags: EtcdFlags): ServerOptions {
  return {
    receiveBytesMax: flags['max-request-bytes'] + GRPC_OVERHEAD_BYTES,
    streamsMax: Math.min(flags['max-concurrent-streams'], 2 ** 31 - 1),
    pingTimeMinMs: flags['grpc-keepalive-min-time'],
    // 0 means never: this is as long as timers can wait.
    keepaliveTimeMs: flags['grpc-keepalive-interval'] || 2 ** 31 - 1,
    keepaliveTimeoutMs: flags['grpc-keepalive-timeout'] || 2 ** 31 - 1,
  };
}
