import { createLogger, realDisk, realRandom, UsageError } from '@kubelab/component-base';
import { type ClusterMember, parseCluster } from '../shell/cluster.ts';
import { toolArguments } from './arguments.ts';
import { restoreSnapshot } from './restore-snapshot.ts';

/** Flags and words are those of `etcdutl snapshot restore`. */
const USAGE = {
  usage: 'restore <filename> --data-dir {output dir} [options]',
  summary:
    "Restores a snapshot, a real etcd's or this one's, as the data directory of a new cluster's member",
  flags: {
    'data-dir': { type: 'string', description: 'Path to the output data directory; default <name>.etcd' },
    'initial-cluster': {
      type: 'list',
      default: ['default=http://localhost:2380'],
      description: 'Initial cluster configuration for restore bootstrap',
    },
    'initial-cluster-token': {
      type: 'string',
      default: 'etcd-cluster',
      description: 'Initial cluster token for the etcd cluster during restore bootstrap',
    },
    'initial-advertise-peer-urls': {
      type: 'list',
      default: ['http://localhost:2380'],
      description: "List of this member's peer URLs to advertise to the rest of the cluster",
    },
    name: { type: 'string', default: 'default', description: 'Human-readable name for this member' },
    'skip-hash-check': {
      type: 'boolean',
      default: false,
      description: 'Ignore snapshot integrity hash value (required if copied from data directory)',
    },
    'bump-revision': {
      type: 'number',
      default: 0,
      description: 'How much to increase the latest revision after restore',
    },
    'mark-compacted': {
      type: 'boolean',
      default: false,
      description:
        'Mark the latest revision after restore as the point of scheduled compaction ' +
        '(required if --bump-revision > 0, disallowed otherwise)',
    },
    'wal-dir': { type: 'string', description: 'Not offered: the log is in the data directory' },
  },
} as const;

export async function restore(argv: readonly string[]): Promise<void> {
  const given = toolArguments(USAGE, argv);
  if (given === undefined) return;
  const { words, flags } = given;
  const [snapshot] = words;
  if (snapshot === undefined || words.length > 1)
    throw new UsageError('snapshot restore requires exactly one argument');
  const bumpRevision = flags['bump-revision'];
  if (!Number.isSafeInteger(bumpRevision) || bumpRevision < 0)
    throw new UsageError(
      `invalid argument "${bumpRevision}" for "--bump-revision" flag: not a number of revisions`,
    );
  if (flags['mark-compacted'] !== bumpRevision > 0)
    throw new UsageError('--mark-compacted required if --revision-bump > 0');
  if (flags['wal-dir'] !== undefined)
    throw new UsageError('--wal-dir is not offered', 'the log is in the data directory');
  const cluster = parseCluster(flags['initial-cluster'], flags.name, flags['initial-cluster-token']);
  requireAdvertised(cluster.self, flags['initial-advertise-peer-urls']);
  await restoreSnapshot({
    disk: realDisk,
    log: createLogger('etcd-lite'),
    random: realRandom,
    snapshot,
    dataDir: flags['data-dir'] ?? `${flags.name}.etcd`,
    cluster,
    skipHashCheck: flags['skip-hash-check'],
    bumpRevision,
  });
}

/** etcd's `advertiseMatchesCluster`, without asking the DNS whether two names are one. */
function requireAdvertised({ name, peerUrls }: ClusterMember, advertised: readonly string[]): void {
  const missing = peerUrls.filter((url) => !advertised.includes(url)).map((url) => `${name}=${url}`);
  if (missing.length > 0) {
    throw new UsageError(
      `--initial-cluster has ${missing.join(',')} but missing from --initial-advertise-peer-urls=${advertised.join(',')}`,
    );
  }
  const extra = advertised.filter((url) => !peerUrls.includes(url));
  if (extra.length === 0) return;
  const known = peerUrls.map((url) => `${name}=${url}`).join(',');
  throw new UsageError(
    `--initial-advertise-peer-urls has ${extra.join(',')} but missing from --initial-cluster=${known}`,
  );
}
