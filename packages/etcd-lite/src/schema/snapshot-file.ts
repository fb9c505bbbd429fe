import { createHash } from 'node:crypto';
import type { Disk, DiskFile } from '@kubelab/component-base';
import { DatabaseReader } from '../bbolt/reader.ts';

/** The file is not the snapshot that was saved. Says what, where, and what to do. */
export class SnapshotRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotRefusedError';
  }
}

export interface SnapshotFile {
  readonly database: DatabaseReader;
  /** SHA-256 of the database, hexadecimal. */
  readonly digest: string;
  readonly close: () => Promise<void>;
}

const HASH_BYTES = 32;
/** Pages are multiples of this: what is 32 bytes longer has a checksum behind. */
const SECTOR_BYTES = 512;
const READ_BYTES = 1024 * 1024;

/**
 * Opens what `etcdctl snapshot save` wrote: a database with its SHA-256 behind. `skipHashCheck`: the checksum
 * may be wrong, or missing, as in a copy of `member/snap/db`. Throws `SnapshotRefusedError` with etcd's
 * words, and `DatabaseDamagedError`.
 */
export async function openSnapshot(
  disk: Disk,
  path: string,
  { skipHashCheck }: { readonly skipHashCheck: boolean },
): Promise<SnapshotFile> {
  const file = await open(disk, path);
  try {
    const size = await file.size();
    const hasHash = size % SECTOR_BYTES === HASH_BYTES;
    const databaseBytes = hasHash ? size - HASH_BYTES : size;
    if (!skipHashCheck && !hasHash) throw missingHash(path, size);
    const digest = await digestOf(file, databaseBytes);
    if (!skipHashCheck) await checkHash(file, path, databaseBytes, digest);
    const database = await DatabaseReader.open(file, path, databaseBytes);
    return { database, digest, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function open(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
    throw new SnapshotRefusedError(`open ${path}: no such file or directory`);
  }
}

async function digestOf(file: DiskFile, bytes: number): Promise<string> {
  const digest = createHash('sha256');
  for (let at = 0; at < bytes; at += READ_BYTES)
    digest.update(await file.read(at, Math.min(READ_BYTES, bytes - at)));
  return digest.digest('hex');
}

async function checkHash(file: DiskFile, path: string, databaseBytes: number, found: string): Promise<void> {
  const expected = Buffer.from(await file.read(databaseBytes, HASH_BYTES)).toString('hex');
  if (found === expected) return;
  throw new SnapshotRefusedError(
    `${path}: expected sha256 ${expected}, got ${found} of the ${databaseBytes} bytes before offset ${databaseBytes}: ` +
      'the snapshot was changed after it was saved; take another copy of it, or save a new one',
  );
}

function missingHash(path: string, size: number): SnapshotRefusedError {
  return new SnapshotRefusedError(
    `snapshot missing hash but --skip-hash-check=false: ${path} has ${size} bytes, without a checksum at its end; ` +
      'it is cut off (save it again), or a copy of member/snap/db (give --skip-hash-check)',
  );
}
