import { join } from 'node:path';
import { assert, type Disk, type DiskFile } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { KeyVersion } from '../core/key-version.ts';
import { FrameBuffer } from '../wal/frame-buffer.ts';
import { hex16 } from '../wal/segment.ts';
import { encodeFrame, FRAME_HEADER_BYTES, frameAt, frameLength } from '../wal/frame.ts';
import { type CheckpointRecord, checkpointRecordCodec, type WireSnapshotMetadata } from '../wire.ts';
import { versionsFrame } from './versions-frame.ts';

/** A record to be written: versions as the store has them, or the rest. */
export type StateRecord =
  | { readonly versions: readonly KeyVersion[] }
  | (Init<Omit<CheckpointRecord, 'versions'>> & { readonly versions?: undefined });

/** A checkpoint is not what was written: a bit flipped, or the end is missing. */
export class CheckpointDamagedError extends Error {
  constructor(path: string, offset: number, why: string) {
    super(`checkpoint damaged: ${path} at offset ${offset}: ${why}`);
    this.name = 'CheckpointDamagedError';
  }
}

export interface CheckpointName {
  readonly index: number;
  readonly term: number;
}

export function checkpointFile({ index, term }: CheckpointName): string {
  return `${hex16(index)}-${hex16(term)}.ckpt`;
}

export function parseCheckpointFile(file: string): CheckpointName | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.ckpt$/.exec(file);
  if (match === null) return undefined;
  return { index: Number.parseInt(match[1] ?? '', 16), term: Number.parseInt(match[2] ?? '', 16) };
}

/** Checkpoints in the folder, newest first. */
export async function listCheckpoints(disk: Disk, folder: string): Promise<CheckpointName[]> {
  return (await disk.list(folder))
    .map(parseCheckpointFile)
    .filter((name) => name !== undefined)
    .sort((a, b) => b.index - a.index || b.term - a.term);
}

/**
 * More would pile up in the page cache, and when it goes to the disk the log's small writes would stand behind it
 * (180 ms behind a checkpoint of 300 MB).
 */
const SYNCED_AT_ONCE_BYTES = 4 * 1024 * 1024;

/** Writes records to a temporary file; `publish` makes it the checkpoint, durably. */
export class CheckpointWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #buffer = new FrameBuffer();
  #offset = 0;
  #synced = 0;
  #checksum = 0;

  private constructor(disk: Disk, folder: string, path: string, file: DiskFile) {
    this.#disk = disk;
    this.#folder = folder;
    this.#path = path;
    this.#file = file;
  }

  static async create(disk: Disk, folder: string, temporaryName: string): Promise<CheckpointWriter> {
    await disk.makeFolder(folder);
    const path = join(folder, temporaryName);
    return new CheckpointWriter(disk, folder, path, await disk.open(path, { create: true, truncate: true }));
  }

  get bytes(): number {
    return this.#offset;
  }

  async add(record: StateRecord): Promise<void> {
    const { bytes, checksum } =
      record.versions === undefined
        ? encodeFrame(checkpointRecordCodec.encode(record), this.#checksum)
        : versionsFrame(this.#buffer, record.versions, this.#checksum);
    this.#checksum = checksum;
    await this.addRaw(bytes);
  }

  /** A piece of a file that somebody else wrote. */
  async addRaw(bytes: Uint8Array): Promise<void> {
    await this.#file.write(this.#offset, bytes);
    this.#offset += bytes.length;
    if (this.#offset - this.#synced < SYNCED_AT_ONCE_BYTES) return undefined;
    this.#synced = this.#offset;
    return this.#file.sync();
  }

  /** Throws `CheckpointDamagedError` unless every record is valid and the end is there. */
  async verify(): Promise<void> {
    const records = readCheckpoint(this.#disk, this.#path);
    while ((await records.next()).done !== true);
  }

  async publish(name: CheckpointName): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await this.#disk.rename(this.#path, join(this.#folder, checkpointFile(name)));
    await this.#disk.syncFolder(this.#folder);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await this.#disk.remove(this.#path);
  }
}

/**
 * Reads a checkpoint record by record, each into memory of its own, of which its byte fields are slices. Throws
 * `CheckpointDamagedError`; a file without its end record is damaged too.
 */
export async function* readCheckpoint(
  disk: Disk,
  path: string,
): AsyncGenerator<{ readonly record: CheckpointRecord; readonly memory: Buffer }> {
  const file = await disk.open(path);
  try {
    const size = await file.size();
    let checksum = 0;
    let isEnded = false;
    let header = asBuffer(await file.read(0, FRAME_HEADER_BYTES));
    for (let offset = 0; offset < size; ) {
      if (isEnded) throw new CheckpointDamagedError(path, offset, 'something follows the end');
      const length = header.length === FRAME_HEADER_BYTES ? frameLength(header.readUInt32LE(4)) : 0;
      if (length === 0 || offset + length > size)
        throw new CheckpointDamagedError(path, offset, 'the file is cut off');
      // With the header of the next one: a read through another thread costs more than what it reads.
      const bytes = asBuffer(await file.read(offset, length + FRAME_HEADER_BYTES));
      header = bytes.subarray(length);
      const memory = bytes.subarray(0, length);
      const frame = frameAt(memory, 0, checksum);
      if (frame.type !== 'record')
        throw new CheckpointDamagedError(path, offset, 'the checksum does not match');
      const record = checkpointRecordCodec.decode(frame.payload);
      isEnded = record.end !== null;
      yield { record, memory };
      ({ checksum } = frame);
      offset += length;
    }
    if (!isEnded) throw new CheckpointDamagedError(path, size, 'the end is missing');
  } finally {
    await file.close();
  }
}

/** The metadata alone. */
export async function checkpointMetadata(disk: Disk, path: string): Promise<WireSnapshotMetadata> {
  for await (const { record } of readCheckpoint(disk, path)) {
    assert(record.header !== null, 'CKPT-1', path);
    return record.header.metadata;
  }
  throw new CheckpointDamagedError(path, 0, 'the file is empty');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
