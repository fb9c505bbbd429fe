import { assert } from '@kubelab/component-base';
import type { Init, Int64 } from '@kubelab/rpc';
import { AuthStore } from '../core/auth/auth-store.ts';
import type { VersionRecord } from '../core/key-version.ts';
import { keyText } from '../core/keys.ts';
import { Lessor } from '../core/lessor.ts';
import { Members } from '../core/members.ts';
import { MvccStore } from '../core/mvcc-store.ts';
import type { State } from '../core/state-machine.ts';
import type { CheckpointHeader, CheckpointRecord, WireSnapshotMetadata } from '../wire.ts';

/** Histories copied in one go; between two slices the member serves requests. */
const SLICE_KEYS = 128;

/**
 * The records of a checkpoint of the state as of this call, although it goes on changing while they are
 * taken.
 * Invariants
 *   CKPT-1  a checkpoint is the state after exactly its index: later versions are left out, earlier ones kept
 *           until it is written
 */
export function stateRecords(
  state: State,
  metadata: WireSnapshotMetadata,
  clusterId: Int64,
): IterableIterator<Init<CheckpointRecord>> {
  const { revision, compactRevision } = state.store;
  // Everything but the versions is small: it is taken at once.
  const header: CheckpointHeader = {
    metadata,
    clusterId,
    revision,
    compactRevision,
    alarms: [...state.alarms.values()],
    members: state.members.all(),
    removedMembers: state.members.removed,
    auth: state.auth.stored(),
  };
  const leases = [...state.lessor.all()].map(({ id, ttl, remainingTtl }) => ({
    ID: id,
    TTL: ttl,
    remainingTtl: remainingTtl,
  }));
  const walk = state.store.walk(SLICE_KEYS);
  // Started at once, so that compaction leaves alone what is still to be written.
  const first = walk.next();
  return records();

  function* records(): Generator<Init<CheckpointRecord>> {
    let versionCount = 0;
    try {
      yield { header, leases };
      for (let slice = first; slice.done !== true; slice = walk.next()) {
        const versions = slice.value
          .flatMap((history) => history.keptAt(compactRevision))
          .filter(({ modRevision }) => modRevision <= revision)
          .map((version) => ({ kv: version, sub: version.sub }));
        versionCount += versions.length;
        if (versions.length > 0) yield { versions };
      }
    } finally {
      walk.return(undefined);
    }
    yield { end: { versionCount } };
  }
}

/** The state that a checkpoint holds, and what it says about itself. */
export async function readState(
  records: AsyncIterable<CheckpointRecord>,
): Promise<{ header: CheckpointHeader; state: State }> {
  let header: CheckpointHeader | undefined;
  const lessor = new Lessor();
  const versions: VersionRecord[] = [];
  for await (const record of records) {
    header ??= record.header ?? undefined;
    for (const { ID, TTL, remainingTtl } of record.leases) lessor.grant(ID, TTL, remainingTtl);
    for (const { kv, sub } of record.versions) {
      const { key, createRevision, modRevision, version, value, lease } = kv;
      versions.push({ key, createRevision, modRevision, version, value, lease, sub });
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
      auth: header.auth === null ? new AuthStore() : AuthStore.restore(header.auth),
      alarms: new Map(header.alarms.map((alarm) => [`${alarm.memberID}/${alarm.alarm}`, alarm])),
      members: new Members(header.members, header.removedMembers),
    },
  };
}
