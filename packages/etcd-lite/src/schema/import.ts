import { errorMessage } from '@kubelab/component-base';
import { AuthStore } from '../core/auth/auth-store.ts';
import { parseRevision, type Revision } from '../core/backend-entry.ts';
import type { VersionRecord } from '../core/key-version.ts';
import { keyText } from '../core/keys.ts';
import { LEASE_TTL_MAX, Lessor } from '../core/lessor.ts';
import { Members } from '../core/members.ts';
import { FIRST_REVISION, MvccStore } from '../core/mvcc-store.ts';
import type { State } from '../core/state-machine.ts';
import type { DatabaseLeaf, DatabaseReader } from '../bbolt/reader.ts';
import {
  alarmCodec,
  AUTH_KEYS,
  BUCKETS,
  keyValueCodec,
  leaseCodec,
  META_KEYS,
  roleCodec,
  userCodec,
} from './buckets.ts';

/**
 * The state that an etcd database holds; who the members are is left out, as a restored cluster has others.
 * `bumpRevision` > 0 raises the revision by that and compacts everything before, so that clients which have
 * seen later revisions than the database has are told that they must list again.
 * Throws `DatabaseDamagedError` for anything that etcd would not have written.
 */
export async function importState(database: DatabaseReader, bumpRevision = 0): Promise<State> {
  const meta = await small(database, BUCKETS.meta);
  const finished = compactRevision(database, meta, META_KEYS.finishedCompact);
  const scheduled = compactRevision(database, meta, META_KEYS.scheduledCompact);
  const { versions, newest } = await readVersions(database);
  const revision = Math.max(FIRST_REVISION, newest, finished, scheduled) + bumpRevision;
  const store = MvccStore.restore(revision, finished, versions, keyText);
  // The second: a compaction that had been begun when the snapshot was made.
  if (bumpRevision > 0) store.compact(revision);
  else if (scheduled > finished) store.compact(scheduled);
  while (store.sweep());

  const lessor = new Lessor();
  for (const { value, entry } of await decoded(database, BUCKETS.lease, leaseCodec.decode)) {
    const { ID, TTL, remainingTtl } = value;
    if (ID === 0 || lessor.get(ID) !== undefined) throw entry.damaged('a lease without an id of its own');
    if (![TTL, remainingTtl].every(isCount) || TTL > LEASE_TTL_MAX)
      throw entry.damaged(`a lease of ${TTL} s, of which ${remainingTtl} are left`);
    lessor.grant(ID, TTL, remainingTtl);
  }
  for (const { latest, text } of store.histories())
    if (latest !== undefined && latest.version > 0) lessor.attach(text, latest.lease);
  const alarms = await decoded(database, BUCKETS.alarm, (_value, key) => alarmCodec.decode(key));
  return {
    store,
    lessor,
    auth: await readAuth(database),
    alarms: new Map(alarms.map(({ value }) => [`${value.memberID}/${value.alarm}`, value])),
    members: new Members(),
  };
}

async function readAuth(database: DatabaseReader): Promise<AuthStore> {
  const auth = await small(database, BUCKETS.auth);
  const revision = auth.get(AUTH_KEYS.revision);
  const users = await decoded(database, BUCKETS.authUsers, userCodec.decode);
  const roles = await decoded(database, BUCKETS.authRoles, roleCodec.decode);
  const stored = {
    enabled: auth.get(AUTH_KEYS.enabled)?.[0] === 1,
    // A store that was never asked for auth has none.
    revision: revision?.length === 8 ? Math.max(1, Number(revision.readBigUInt64BE())) : 1,
    users: users.map(({ value }) => value),
    roles: roles.map(({ value }) => value),
  };
  try {
    return AuthStore.restore(stored);
  } catch (error) {
    throw database.damaged(`users and roles contradict each other: ${errorMessage(error)}`);
  }
}

/** All versions in the order of revisions; `newest`: the largest revision that anything was written at. */
async function readVersions(
  database: DatabaseReader,
): Promise<{ versions: VersionRecord[]; newest: number }> {
  const versions: VersionRecord[] = [];
  let newest = 0;
  for await (const leaf of database.leaves(BUCKETS.key)) {
    for (const [at, { key, value }] of leaf.entries.entries()) {
      const revision = parseRevision(key);
      if (revision === undefined) throw leaf.damaged(at, 'its key is no revision');
      newest = revision.main;
      const version = versionRecord(leaf, at, revision, value);
      if (version !== undefined) versions.push(version);
    }
  }
  return { versions: lastOfEachRevision(versions), newest };
}

/** Undefined: no key was written; the entry only says that the revision is taken (`--bump-revision`). */
function versionRecord(
  leaf: DatabaseLeaf,
  at: number,
  { main, sub, isTombstone }: Revision,
  bytes: Buffer,
): VersionRecord | undefined {
  if (bytes.length === 0) return undefined;
  const kv = leaf.decode(at, () => keyValueCodec.decode(bytes));
  if (kv.key.length === 0) throw leaf.damaged(at, 'a version of no key');
  if (isTombstone) {
    return { key: kv.key, createRevision: 0, modRevision: main, version: 0, value: EMPTY, lease: 0, sub };
  }
  const { key, createRevision, modRevision, version, value, lease } = kv;
  const isSound = modRevision === main && createRevision <= modRevision && version <= modRevision;
  if (!isSound || !isCount(createRevision) || !isCount(version) || createRevision * version === 0)
    throw leaf.damaged(
      at,
      `its key says revision ${main}, its value version ${version} of ${modRevision} since ${createRevision}`,
    );
  return { key, createRevision, modRevision, version, value, lease, sub };
}

/** Bytes that are none decode to any number, bigints among them. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

const EMPTY = new Uint8Array(0);

/**
 * etcd lets a transaction write a key that an open-ended deletion in it deletes: two versions of one
 * revision, of which only the last was ever to be read.
 */
function lastOfEachRevision(versions: readonly VersionRecord[]): VersionRecord[] {
  const last = new Map<string, VersionRecord>();
  let revision = 0;
  const replaced = new Set<VersionRecord>();
  for (const version of versions) {
    if (version.modRevision !== revision) last.clear();
    revision = version.modRevision;
    const text = keyText(version.key);
    const before = last.get(text);
    if (before !== undefined) replaced.add(before);
    last.set(text, version);
  }
  return replaced.size === 0 ? [...versions] : versions.filter((version) => !replaced.has(version));
}

function compactRevision(database: DatabaseReader, meta: ReadonlyMap<string, Buffer>, key: string): number {
  const bytes = meta.get(key);
  if (bytes === undefined) return -1;
  const revision = parseRevision(bytes);
  if (revision === undefined) throw database.damaged(`${key} is no revision`);
  return revision.main;
}

async function small(database: DatabaseReader, bucket: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const { entries } of database.leaves(bucket))
    for (const { key, value } of entries) found.set(key.toString(), Buffer.from(value));
  return found;
}

async function decoded<T>(
  database: DatabaseReader,
  bucket: string,
  decode: (value: Buffer, key: Buffer) => T,
): Promise<{ readonly value: T; readonly entry: { damaged(why: string): Error } }[]> {
  const found: { value: T; entry: { damaged(why: string): Error } }[] = [];
  for await (const leaf of database.leaves(bucket)) {
    for (const [at, { key, value }] of leaf.entries.entries()) {
      // Copies: what is decoded refers to its bytes.
      const decodedValue = leaf.decode(at, () => decode(Buffer.from(value), Buffer.from(key)));
      found.push({ value: decodedValue, entry: { damaged: (why) => leaf.damaged(at, why) } });
    }
  }
  return found;
}
