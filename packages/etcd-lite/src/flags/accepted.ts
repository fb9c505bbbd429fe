import type { FlagSpec, FlagSpecs, FlagType } from '@kubelab/component-base';

/** Why a flag of etcd's changes nothing here. Scripts that set it start all the same, and are told. */
const REASONS = {
  bbolt: 'there is no bbolt file under way',
  fsync: 'what is acknowledged is always on disk first',
  gateway: 'the gateway needs no certificate: it calls the services directly',
  gates: 'there are no feature gates',
  downgrade: 'members of several versions are not watched',
  files: 'files are removed as soon as nothing needs them',
  v2: 'there is no v2 API, and no proxy for it',
  always: 'this is so whether or not it is asked for',
  election: 'a member without a leader finds one within some tens of milliseconds',
  discovery: 'it needs discovery, which is not offered',
  rafthttp: 'members talk over gRPC, which has clocks of its own',
  go: 'it is about the Go runtime',
  tracing: 'there is no tracing',
  sockets: 'a port that is taken is an error',
  slow: 'nothing here takes long enough to be cut into pieces by hand',
  rotation: 'logs are rotated by whoever keeps them',
  old: 'later releases of etcd ignore it too, or have dropped it',
} as const;

type Row = readonly [name: string, type: FlagType, reason: keyof typeof REASONS];

const ROWS: readonly Row[] = [
  ['max-snapshots', 'number', 'files'],
  ['socket-reuse-port', 'boolean', 'sockets'],
  ['max-wals', 'number', 'files'],
  ['backend-bbolt-freelist-type', 'string', 'bbolt'],
  ['experimental-backend-bbolt-freelist-type', 'string', 'bbolt'],
  ['backend-batch-interval', 'duration', 'bbolt'],
  ['backend-batch-limit', 'number', 'bbolt'],
  ['experimental-bootstrap-defrag-threshold-megabytes', 'number', 'bbolt'],
  ['bootstrap-defrag-threshold-megabytes', 'number', 'bbolt'],
  ['experimental-txn-mode-write-with-shared-buffer', 'boolean', 'bbolt'],
  ['experimental-stop-grpc-service-on-defrag', 'boolean', 'bbolt'],
  ['experimental-memory-mlock', 'boolean', 'bbolt'],
  ['memory-mlock', 'boolean', 'bbolt'],
  ['unsafe-no-fsync', 'boolean', 'fsync'],
  ['initial-election-tick-advance', 'boolean', 'election'],
  ['feature-gates', 'string', 'gates'],
  ['experimental-enable-lease-checkpoint', 'boolean', 'always'],
  ['experimental-enable-lease-checkpoint-persist', 'boolean', 'always'],
  ['experimental-peer-skip-client-san-verification', 'boolean', 'always'],
  ['peer-skip-client-san-verification', 'boolean', 'always'],
  ['socket-reuse-address', 'boolean', 'always'],
  ['client-cert-file', 'string', 'gateway'],
  ['client-key-file', 'string', 'gateway'],
  ['experimental-compaction-batch-limit', 'number', 'slow'],
  ['compaction-batch-limit', 'number', 'slow'],
  ['experimental-compaction-sleep-interval', 'duration', 'slow'],
  ['compaction-sleep-interval', 'duration', 'slow'],
  ['experimental-downgrade-check-time', 'duration', 'downgrade'],
  ['downgrade-check-time', 'duration', 'downgrade'],
  ['raft-read-timeout', 'duration', 'rafthttp'],
  ['raft-write-timeout', 'duration', 'rafthttp'],
  ['enable-v2', 'boolean', 'v2'],
  ['experimental-enable-v2v3', 'string', 'v2'],
  ['v2-deprecation', 'string', 'v2'],
  ['proxy-failure-wait', 'number', 'v2'],
  ['proxy-refresh-interval', 'number', 'v2'],
  ['proxy-dial-timeout', 'number', 'v2'],
  ['proxy-write-timeout', 'number', 'v2'],
  ['proxy-read-timeout', 'number', 'v2'],
  ['discovery-fallback', 'string', 'discovery'],
  ['discovery-proxy', 'string', 'discovery'],
  ['discovery-srv-name', 'string', 'discovery'],
  ['enable-pprof', 'boolean', 'go'],
  ['experimental-enable-distributed-tracing', 'boolean', 'tracing'],
  ['experimental-distributed-tracing-address', 'string', 'tracing'],
  ['experimental-distributed-tracing-service-name', 'string', 'tracing'],
  ['experimental-distributed-tracing-instance-id', 'string', 'tracing'],
  ['experimental-distributed-tracing-sampling-rate', 'number', 'tracing'],
  ['enable-log-rotation', 'boolean', 'rotation'],
  ['log-rotation-config-json', 'string', 'rotation'],
  ['debug', 'boolean', 'old'],
  ['log-package-levels', 'string', 'old'],
  ...[
    'cluster-active-size',
    'cluster-remove-delay',
    'cluster-sync-interval',
    'config',
    'force',
    'max-result-buffer',
    'max-retry-attempts',
    'peer-heartbeat-interval',
    'peer-election-timeout',
    'retry-interval',
    'snapshot',
    'v',
    'vv',
  ].map((name): Row => [name, 'string', 'old']),
];

/** Flags that etcd has and that may be given, but have no effect; the description says why. */
export const acceptedFlags: FlagSpecs = Object.fromEntries(
  ROWS.map(([name, type, reason]): [string, FlagSpec] => [name, { type, description: REASONS[reason] }]),
);

/** What was asked for and cannot be had: refused unless the value is the one named here. */
export const REFUSED: Readonly<
  Record<string, { readonly type: FlagType; readonly harmless: string; readonly why: string }>
> = {
  proxy: { type: 'string', harmless: 'off', why: 'there is no v2 proxy; give clients all endpoints' },
  discovery: { type: 'string', harmless: '', why: 'there is no discovery; name all in --initial-cluster' },
  'discovery-srv': {
    type: 'string',
    harmless: '',
    why: 'there is no discovery; name all in --initial-cluster',
  },
  'discovery-endpoints': {
    type: 'string',
    harmless: '',
    why: 'there is no discovery; name all in --initial-cluster',
  },
};

/** Names that flags have in other releases of etcd, 3.6 mostly. */
export const ALIASES: Readonly<Record<string, string>> = {
  'watch-progress-notify-interval': 'experimental-watch-progress-notify-interval',
  'warning-apply-duration': 'experimental-warning-apply-duration',
  'snapshot-catchup-entries': 'experimental-snapshot-catchup-entries',
  'corrupt-check-time': 'experimental-corrupt-check-time',
  'compact-hash-check-time': 'experimental-compact-hash-check-time',
  'experimental-max-learners': 'max-learners',
};
