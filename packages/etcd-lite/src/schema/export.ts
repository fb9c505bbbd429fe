import { must } from '@kubelab/component-base';
import { bucketOf, type BucketSource } from '../bbolt/writer.ts';
import { entryKey, entryKeySize, entryValueSize, revisionBytes, writeEntry } from '../core/backend-entry.ts';
import { versionsByRevision } from '../core/by-revision.ts';
import type { KeyVersion } from '../core/key-version.ts';
import type { Lease } from '../core/lessor.ts';
import { memberIdOf, type MemberRecord } from '../core/members.ts';
import type { State } from '../core/state-machine.ts';
import {
  alarmCodec,
  AUTH_KEYS,
  BUCKETS,
  CLUSTER_KEYS,
  leaseCodec,
  META_KEYS,
  roleCodec,
  uint64,
  userCodec,
} from './buckets.ts';

/** How far the state has come in the log. */
export interface LogPosition {
  /** Of the log entry applied last. */
  readonly index: number;
  readonly term: number;
}

/** The oldest version that has all of these buckets. */
const CLUSTER_VERSION = '3.5.0';

type Entries = [key: Uint8Array, value: Uint8Array][];

/**
 * The state as the buckets of etcd's database, as of the first step, although it goes on changing. What is
 * small is copied at once; of the versions only their order takes memory, as versions never change.
 * Invariants
 *   SNAP-1  a snapshot is the state after exactly one log entry: all of it, and nothing later
 */
export function* exportState(state: State, position: LogPosition): Generator<undefined, BucketSource[]> {
  const { store, lessor, alarms, auth, members } = state;
  const { revision, compactRevision } = store;
  const { enabled, revision: authRevision, users, roles } = auth.stored();
  const buckets = [
    bucketOf(BUCKETS.meta, metaEntries(position, members.all(), compactRevision)),
    bucketOf(BUCKETS.lease, [...lessor.all()].map(leaseEntry)),
    bucketOf(
      BUCKETS.alarm,
      [...alarms.values()].map((alarm) => [alarmCodec.encode(alarm), Buffer.alloc(0)]),
    ),
    bucketOf(BUCKETS.members, members.all().map(memberEntry)),
    bucketOf(
      BUCKETS.membersRemoved,
      members.removed.map((raftId) => [Buffer.from(raftId), Buffer.from('removed')]),
    ),
    bucketOf(BUCKETS.cluster, [[Buffer.from(CLUSTER_KEYS.version), Buffer.from(CLUSTER_VERSION)]]),
    bucketOf(BUCKETS.auth, [
      [Buffer.from(AUTH_KEYS.enabled), Buffer.from([enabled ? 1 : 0])],
      [Buffer.from(AUTH_KEYS.revision), uint64(authRevision)],
    ]),
    bucketOf(
      BUCKETS.authUsers,
      users.map((user) => [user.name, userCodec.encode(user)]),
    ),
    bucketOf(
      BUCKETS.authRoles,
      roles.map((role) => [role.name, roleCodec.encode(role)]),
    ),
  ];
  const versions = yield* versionsByRevision(store, (history) =>
    history.keptAt(compactRevision).filter(({ modRevision }) => modRevision <= revision),
  );
  return [versionsBucket(versions), ...buckets];
}

function versionsBucket(versions: readonly KeyVersion[]): BucketSource {
  const version = (at: number): KeyVersion => must(versions[at]);
  return {
    name: Buffer.from(BUCKETS.key),
    count: versions.length,
    keySize: (at) => entryKeySize(version(at)),
    valueSize: (at) => entryValueSize(version(at)),
    key: (at) => entryKey(version(at)),
    write: (at, target, offset) => writeEntry(version(at), target, offset),
  };
}

function metaEntries(
  { index, term }: LogPosition,
  members: readonly MemberRecord[],
  compactRevision: number,
): Entries {
  const idsOf = (isLearner: boolean): number[] =>
    members.filter((member) => member.isLearner === isLearner).map(({ raftId }) => memberIdOf(raftId));
  const learners = idsOf(true);
  const confState = { voters: idsOf(false), ...(learners.length > 0 && { learners }), auto_leave: false };
  const entries: Entries = [
    [Buffer.from(META_KEYS.consistentIndex), uint64(index)],
    [Buffer.from(META_KEYS.term), uint64(term)],
    [Buffer.from(META_KEYS.confState), Buffer.from(JSON.stringify(confState))],
  ];
  if (compactRevision < 0) return entries;
  const compacted = revisionBytes({ main: compactRevision, sub: 0, isTombstone: false });
  return [
    ...entries,
    [Buffer.from(META_KEYS.scheduledCompact), compacted],
    [Buffer.from(META_KEYS.finishedCompact), compacted],
  ];
}

function leaseEntry({ id, ttl, remainingTtl }: Lease): Entries[number] {
  return [uint64(id), leaseCodec.encode({ ID: id, TTL: ttl, ...(remainingTtl > 0 && { remainingTtl }) })];
}

/** As etcd's `membership.Member` in JSON. */
function memberEntry({ raftId, name, peerUrls, clientUrls, isLearner }: MemberRecord): Entries[number] {
  const member = {
    id: memberIdOf(raftId),
    peerURLs: peerUrls,
    ...(isLearner && { isLearner }),
    ...(name !== '' && { name }),
    ...(clientUrls.length > 0 && { clientURLs: clientUrls }),
  };
  return [Buffer.from(raftId), Buffer.from(JSON.stringify(member))];
}
