import { assert } from '@kubelab/component-base';
import type { Int64 } from '@kubelab/rpc';
import { AuthStore } from '../core/auth/auth-store.ts';
import type { KeyVersion } from '../core/key-version.ts';
import { Lessor } from '../core/lessor.ts';
import { Members } from '../core/members.ts';
import { MvccStore } from '../core/mvcc-store.ts';
import { Slab } from '../core/slabs.ts';
import type { State } from '../core/state-machine.ts';
import { readKeyValue } from '../core/wire-key-value.ts';
import type { CheckpointHeader, CheckpointRecord, WireSnapshotMetadata } from '../wire.ts';
import type { StateRecord } from './checkpoint-file.ts';

/** Histories looked at in one go; between two slices the member serves requests. */
const SLICE_KEYS = 128;
/** Of one record: large enough that a restart reads few, small enough that writing one takes no millisecond. */
const RECORD_BYTES = 256 * 1024;

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
): IterableIterator<StateRecord> {
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

  function* records(): Generator<StateRecord> {
    let versionCount = 0;
    try {
      yield { header, leases };
      for (let slice = first; slice.done !== true; slice = walk.next()) {
        const versions = slice.value
          .flatMap((history) => history.keptAt(compactRevision))
          .filter(({ modRevision }) => modRevision <= revision);
        for (const part of partsOf(versions)) {
          versionCount += part.length;
          yield { versions: part };
        }
      }
    } finally {
      walk.return(undefined);
    }
    yield { end: { versionCount } };
  }
}

function* partsOf(versions: readonly KeyVersion[]): Generator<KeyVersion[]> {
  let part: KeyVersion[] = [];
  let bytes = 0;
  for (const version of versions) {
    part.push(version);
    bytes += version.wireLength;
    if (bytes < RECORD_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}

/** The state that a checkpoint holds, and what it says about itself. */
export async function readState(
  records: AsyncIterable<{ readonly record: CheckpointRecord; readonly memory: Buffer }>,
): Promise<{ header: CheckpointHeader; state: State }> {
  let header: CheckpointHeader | undefined;
  const lessor = new Lessor();
  const restoring = MvccStore.restoring();
  const leased: KeyVersion[] = [];
  let versionCount = 0;
  for await (const { record, memory } of records) {
    header ??= record.header ?? undefined;
    for (const { ID, TTL, remainingTtl } of record.leases) lessor.grant(ID, TTL, remainingTtl);
    // What was read stays where it is, and becomes a slab of the store.
    const slab = new Slab(memory);
    for (const { kv, sub } of record.versions) {
      const version = restoring.adopt(readKeyValue(kv), sub, slab);
      if (version.lease !== 0) leased.push(version);
    }
    versionCount += record.versions.length;
    if (record.end !== null)
      assert(record.end.versionCount === versionCount, 'CKPT-1', 'versions are missing');
  }
  assert(header !== undefined, 'CKPT-1', 'a checkpoint without header');
  const store = restoring.finish(header.revision, header.compactRevision);
  // LEASE-1: those that are their keys' newest.
  for (const version of leased)
    if (version.history.latest === version) lessor.attach(version.history.text, version.lease);
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
