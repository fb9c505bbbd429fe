import type { FlagSpecs } from '@kubelab/component-base';

/**
 * etcd 3.5's own flags, with etcd's defaults where nothing else is said. Those that only take up room in a
 * script are in `flags/accepted.ts`. Intervals without a unit are milliseconds, as etcd has them.
 */
export const etcdFlags = {
  // ---- this member ----
  name: { type: 'string', default: 'default', description: 'name of this member' },
  'data-dir': { type: 'string', description: 'folder for all that must survive; default <name>.etcd' },
  'wal-dir': { type: 'string', description: 'folder of its own for the log; default <data-dir>/member/wal' },
  'snapshot-count': { type: 'number', default: 5000, description: 'applied entries between checkpoints' },
  'experimental-snapshot-catchup-entries': {
    type: 'number',
    default: 1000,
    description: 'entries kept behind a checkpoint, for members a little behind',
  },
  'heartbeat-interval': { type: 'number', default: 100, description: 'ms between heartbeats' },
  'election-timeout': {
    type: 'number',
    default: 1000,
    description: 'ms without a leader before an election',
  },
  'quota-backend-bytes': {
    type: 'number',
    default: 0,
    description: 'bytes of keys and values before writes are refused; 0: 2 GiB, negative: no limit',
  },
  'max-txn-ops': { type: 'number', default: 128, description: 'operations in one transaction' },
  'max-request-bytes': { type: 'number', default: 1_572_864, description: 'bytes of one request' },
  'max-concurrent-streams': {
    type: 'number',
    default: 4_294_967_295,
    description: 'streams that one client connection may have open',
  },
  'auto-compaction-mode': {
    type: 'string',
    default: 'periodic',
    description: 'periodic: by age; revision: by number of revisions',
  },
  'auto-compaction-retention': {
    type: 'string',
    default: '0',
    description: 'how much history to keep: 5m, 12 (hours) or a number of revisions; 0: all of it',
  },
  'experimental-watch-progress-notify-interval': {
    type: 'duration',
    default: 600_000,
    description: 'between progress notices of quiet watches',
  },
  'experimental-warning-apply-duration': {
    type: 'duration',
    default: 100,
    description: 'requests that take longer to apply are logged and counted as slow',
  },

  'experimental-initial-corrupt-check': {
    type: 'boolean',
    default: false,
    description: 'compare this member with the others before it serves anything',
  },
  'experimental-corrupt-check-time': {
    type: 'duration',
    default: 0,
    description: 'between comparisons of all members by their leader; 0: none',
  },
  'experimental-compact-hash-check-enabled': {
    type: 'boolean',
    default: false,
    description: 'compare all members every --experimental-compact-hash-check-time',
  },
  'experimental-compact-hash-check-time': {
    type: 'duration',
    default: 60_000,
    description: 'between those comparisons',
  },

  // ---- where it is reached ----
  'listen-client-urls': {
    type: 'list',
    default: ['http://localhost:2379'],
    description: 'where to serve clients',
  },
  'listen-client-http-urls': {
    type: 'list',
    description: 'where to serve plain HTTP (health, metrics, JSON); then not at the client URLs',
  },
  'listen-metrics-urls': { type: 'list', description: 'where to serve metrics and health only' },
  'listen-peer-urls': {
    type: 'list',
    default: ['http://localhost:2380'],
    description: 'where to serve the other members',
  },
  'advertise-client-urls': {
    type: 'list',
    default: ['http://localhost:2379'],
    description: 'where clients reach this member',
  },
  'initial-advertise-peer-urls': {
    type: 'list',
    default: ['http://localhost:2380'],
    description: 'where the other members reach this one; must agree with --initial-cluster',
  },
  'grpc-keepalive-min-time': {
    type: 'duration',
    default: 5000,
    description: 'clients that ping more often are sent away',
  },
  'grpc-keepalive-interval': {
    type: 'duration',
    default: 7_200_000,
    description: 'between pings to a client; 0: none',
  },
  'grpc-keepalive-timeout': {
    type: 'duration',
    default: 20_000,
    description: 'a client that has not answered a ping by then is gone',
  },
  cors: { type: 'list', default: ['*'], description: 'origins that browsers may call from' },
  'host-whitelist': {
    type: 'list',
    default: ['*'],
    description: 'host names that unencrypted HTTP requests may name',
  },
  'enable-grpc-gateway': { type: 'boolean', default: true, description: 'serve the JSON gateway below /v3/' },
  metrics: { type: 'string', default: 'basic', description: 'basic, or extensive: with histograms of calls' },

  // ---- the cluster ----
  'initial-cluster': {
    type: 'list',
    default: ['default=http://localhost:2380'],
    description: 'all members: name=peer-url,…',
  },
  'initial-cluster-state': { type: 'string', default: 'new', description: 'new or existing' },
  'initial-cluster-token': {
    type: 'string',
    default: 'etcd-cluster',
    description: 'tells clusters apart that have the same addresses',
  },
  'strict-reconfig-check': {
    type: 'boolean',
    default: true,
    description: 'refuse member changes that would cost the quorum',
  },
  'max-learners': { type: 'number', default: 1, description: 'learners that may be there at a time' },
  'auto-promote': {
    type: 'boolean',
    default: false,
    description: 'the leader makes voters of learners that keep up, also of those added by etcdctl',
  },
  'force-new-cluster': {
    type: 'boolean',
    default: false,
    description: 'start with the data that is here as a cluster of one member',
  },
  'pre-vote': { type: 'boolean', default: true, description: 'ask whether an election could be won first' },

  // ---- certificates ----
  'cert-file': { type: 'string', description: 'certificate shown to clients' },
  'key-file': { type: 'string', description: 'its key' },
  'trusted-ca-file': { type: 'string', description: 'CA of client certificates' },
  'client-cert-auth': { type: 'boolean', default: false, description: 'clients must show a certificate' },
  'client-crl-file': { type: 'string', description: 'certificates of clients that were revoked' },
  'client-cert-allowed-hostname': {
    type: 'list',
    description: 'names, one of which a client certificate must be for',
  },
  'auto-tls': { type: 'boolean', default: false, description: 'make a certificate to show to clients' },
  'peer-cert-file': {
    type: 'string',
    description: 'certificate shown to other members, as server and as client',
  },
  'peer-key-file': { type: 'string', description: 'its key' },
  'peer-trusted-ca-file': { type: 'string', description: 'CA of the other members' },
  'peer-client-cert-auth': {
    type: 'boolean',
    default: false,
    description: 'members must show a certificate',
  },
  'peer-crl-file': { type: 'string', description: 'certificates of members that were revoked' },
  'peer-cert-allowed-cn': { type: 'list', description: 'common names a member’s certificate may have' },
  'peer-cert-allowed-hostname': {
    type: 'list',
    description: 'names, one of which a member’s certificate must be for',
  },
  'peer-auto-tls': { type: 'boolean', default: false, description: 'make a certificate to show to members' },
  'self-signed-cert-validity': {
    type: 'number',
    default: 1,
    description: 'years that certificates made here are valid',
  },
  'cipher-suites': { type: 'list', description: 'TLS 1.2 cipher suites, by Go’s names' },
  'tls-min-version': { type: 'string', default: 'TLS1.2', description: 'TLS1.2 or TLS1.3' },
  'tls-max-version': { type: 'string', default: '', description: 'TLS1.2 or TLS1.3' },

  // ---- users ----
  'auth-token': {
    type: 'string',
    default: 'simple',
    description: 'simple, or jwt,pub-key=…,priv-key=…,sign-method=…,ttl=…',
  },
  'bcrypt-cost': { type: 'number', default: 10, description: 'cost of hashing a password, 4 to 31' },
  'auth-token-ttl': { type: 'number', default: 300, description: 'seconds that an unused token is good' },

  // ---- its log ----
  logger: { type: 'string', default: 'zap', description: 'zap: one JSON object a line' },
  'log-level': {
    type: 'string',
    default: 'info',
    description: 'debug, info, warn, error, panic or fatal',
  },
  'log-outputs': {
    type: 'list',
    default: ['default'],
    description: 'stderr (the default), stdout, or paths of files',
  },
} as const satisfies FlagSpecs;
