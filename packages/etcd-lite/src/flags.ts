import type { FlagSpecs } from '@kubelab/component-base';

/** etcd's own flags, as far as they mean something here. Intervals in milliseconds, as etcd has them. */
export const etcdFlags = {
  name: { type: 'string', default: 'default', description: 'name of this member' },
  'data-dir': { type: 'string', description: 'folder for all that must survive; default <name>.etcd' },
  'listen-client-urls': {
    type: 'list',
    default: ['http://localhost:2379'],
    description: 'where to serve clients',
  },
  'advertise-client-urls': {
    type: 'list',
    default: ['http://localhost:2379'],
    description: 'where clients reach this member',
  },
  'listen-peer-urls': {
    type: 'list',
    default: ['http://localhost:2380'],
    description: 'where to serve the other members',
  },
  'initial-advertise-peer-urls': {
    type: 'list',
    default: ['http://localhost:2380'],
    description: 'where the other members reach this one; must agree with --initial-cluster',
  },
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
  'heartbeat-interval': { type: 'number', default: 100, description: 'ms between heartbeats' },
  'election-timeout': {
    type: 'number',
    default: 1000,
    description: 'ms without a leader before an election',
  },
  'snapshot-count': { type: 'number', default: 5000, description: 'applied entries between checkpoints' },
  'quota-backend-bytes': {
    type: 'number',
    default: 0,
    description: 'bytes of keys and values before writes are refused; 0 = 2 GiB',
  },
  'experimental-watch-progress-notify-interval': {
    type: 'duration',
    default: 600_000,
    description: 'between progress notices of quiet watches',
  },
  'cert-file': { type: 'string', description: 'certificate shown to clients' },
  'key-file': { type: 'string', description: 'its key' },
  'trusted-ca-file': { type: 'string', description: 'CA of client certificates' },
  'client-cert-auth': { type: 'boolean', default: false, description: 'clients must show a certificate' },
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
} as const satisfies FlagSpecs;
