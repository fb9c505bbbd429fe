import type { DatabaseReader } from '../bbolt/reader.ts';
import { parseRevision } from '../core/backend-entry.ts';
import { crc32c } from '../wal/crc32c.ts';
import { BUCKETS, keyValueCodec, META_KEYS } from './buckets.ts';

/** As `etcdutl snapshot status` has it, names included. */
export interface SnapshotStatus {
  /** CRC-32C over all buckets' names and entries. */
  readonly hash: number;
  readonly revision: number;
  /** Keys that exist. */
  readonly totalKey: number;
  /** Bytes of the pages in use. */
  readonly totalSize: number;
  /** Of the schema; empty before etcd 3.6. */
  readonly version: string;
}

/** Reads all of it. Throws `DatabaseDamagedError`. */
export async function snapshotStatus(database: DatabaseReader): Promise<SnapshotStatus> {
  let hash = 0;
  let revision = 0;
  let version = '';
  const alive = new Set<string>();
  for (const bucket of database.bucketNames) {
    hash = crc32c(Buffer.from(bucket, 'latin1'), hash);
    for await (const leaf of database.leaves(bucket)) {
      for (const [at, { key, value }] of leaf.entries.entries()) {
        hash = crc32c(value, crc32c(key, hash));
        if (bucket === BUCKETS.meta && key.toString() === META_KEYS.storageVersion)
          version = value.toString();
        if (bucket !== BUCKETS.key) continue;
        const found = parseRevision(key);
        if (found === undefined) throw leaf.damaged(at, 'its key is no revision');
        revision = found.main;
        const kv = leaf.decode(at, () => keyValueCodec.decode(value));
        const name = Buffer.from(kv.key).toString('latin1');
        if (found.isTombstone) alive.delete(name);
        else if (name !== '') alive.add(name);
      }
    }
  }
  return { hash, revision, totalKey: alive.size, totalSize: database.bytes, version };
}
