import { assert } from '@kubelab/component-base';
import type { Int64 } from '@kubelab/rpc';
import type { KeyVersion } from '../core/key-history.ts';
import { keyText } from '../core/keys.ts';
import { Lessor } from '../core/lessor.ts';
import { MvccStore } from '../core/mvcc-store.ts';
import { RecentRequests } from '../core/recent-requests.ts';
import type { State } from '../core/state-machine.ts';
import type { CheckpointHeader, CheckpointRecord, WireSnapshotMetadata } from '../wire.ts';
import type { CheckpointWriter } from './checkpoint-file.ts';

/** Histories copied in one go; between two slices the member serves requests. */
const SLICE_KEYS = 128;

/**
 * Writes the state as of this call, although it goes on changing meanwhile.
 * Invariants
 *   CKPT-1  a checkpoint is the state after exactly its index: later versions are left out, earlier ones kept until it is written
 */
export async function writeState(
  state: State,
  metadata: WireSnapshotMetadata,
  clusterId: Int64,
  writer: CheckpointWriter,
): Promise<void> {
  const { revision, compactRevision } = state.store;
  // Everything but the versions is small: it is taken at once, before the first await.
  const header: CheckpointHeader = {
    metadata,
    clusterId,
    revision,
    compactRevision,
    alarms: [...state.alarms.values()],
    recent: state.recent.toLists(),
    members: [...state.members.values()],
  };
  const leases = [...state.lessor.all()].map(({ id, ttl, remainingTtl }) => ({
    ID: id,
    TTL: ttl,
    remainingTTL: remainingTtl,
  }));
  const walk = state.store.walk(SLICE_KEYS);
  const first = walk.next();
  let versionCount = 0;
  try {
    await writer.add({ header, leases });
    for (let slice = first; slice.done !== true; slice = walk.next()) {
      const versions = slice.value
        .flatMap(({ versions }) => versions)
        .filter(({ modRevision }) => modRevision <= revision)
        .map((version) => ({ kv: version, sub: version.sub }));
      versionCount += versions.length;
      if (versions.length > 0) await writer.add({ versions });
    }
  } finally {
    walk.return(undefined);
  }
  await writer.add({ end: { versionCount } });
}

/** The state that a checkpoint holds, and what it says about itself. */
export async function readState(
  records: AsyncIterable<CheckpointRecord>,
): Promise<{ header: CheckpointHeader; state: State }> {
  let header: CheckpointHeader | undefined;
  const lessor = new Lessor();
  const versions: Omit<KeyVersion, 'history'>[] = [];
  for await (const record of records) {
    header ??= record.header ?? undefined;
    for (const { ID, TTL, remainingTTL } of record.leases) lessor.grant(ID, TTL, remainingTTL);
    for (const { kv, sub } of record.versions) {
      const { key, createRevision, modRevision, version, value, lease } = kv;
      versions.push({ key, createRevision, modRevision, version, value: Buffer.from(value), lease, sub });
    }
    if (record.end !== null)
      assert(record.end.versionCount === versions.length, 'CKPT-1', 'versions are missing');
  }
  assert(header !== undefined, 'CKPT-1', 'a checkpoint without header');
  const store = MvccStore.restore(header.revision, header.compactRevision, versions, keyText);
  for (const history of store.histories()) {
    const { latest } = history;
    if (latest !== undefined && latest.version > 0) lessor.attach(history.text, latest.lease);
  }
  return {
    header,
    state: {
      store,
      lessor,
      alarms: new Map(header.alarms.map((alarm) => [`${alarm.memberID}/${alarm.alarm}`, alarm])),
      recent: RecentRequests.fromLists(header.recent),
      members: new Map(header.members.map((member) => [member.raftId, member])),
    },
  };
}
