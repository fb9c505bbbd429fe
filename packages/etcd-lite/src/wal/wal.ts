import { join } from 'node:path';
import { assert, type Disk, type DiskFile } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { WalRecord } from '../wire.ts';
import type { Frame } from './frame.ts';
import { RecordBuffer } from './record-buffer.ts';
import { readWal, type WalContents, type WalTail } from './recovery.ts';
import { segmentFile, type SegmentName, SPARE_NAME } from './segment.ts';

/** Space reserved at once: writing into it costs no metadata update. */
const SEGMENT_BYTES = 8 * 1024 * 1024;

export interface WalOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly identity: NonNullable<WalRecord['identity']>;
  readonly segmentBytes?: number;
  /** The entry that a checkpoint was made of: what the log has before it is not needed. */
  readonly after?: number;
}

/**
 * The write-ahead log. One record per `append`, one `append` at a time.
 * Invariants
 *   WAL-1  when `append` has returned nothing or has resolved, its record is durable
 *   WAL-2  a record is started only when the one before it has been written
 *   WAL-3  a crash loses at most the record under way; anything else that is missing or changed is noticed
 */
export class Wal {
  readonly #options: WalOptions;
  readonly #segmentBytes: number;
  #segments: SegmentName[];
  #file: DiskFile;
  #offset: number;
  #checksum: number;
  readonly #buffer = new RecordBuffer();
  #isBusy = false;
  #lastIndex = 0;
  #lastHardState: WalRecord['hardState'] = null;
  #spare: Promise<void> | undefined;
  #writtenBytes = 0;

  private constructor(options: WalOptions, file: DiskFile, tail: Omit<WalTail, 'isTorn'>) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#file = file;
    this.#segments = [...tail.segments];
    this.#offset = tail.offset;
    this.#checksum = tail.checksum;
  }

  /** Opens the log and tells what is in it; undefined contents: it is new. Throws `WalDamagedError`. */
  static async open(options: WalOptions): Promise<{ wal: Wal; contents: WalContents | undefined }> {
    const { disk, folder } = options;
    await disk.makeFolder(folder);
    await disk.remove(join(folder, SPARE_NAME));
    const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    const found = await readWal(disk, folder, segmentBytes, options.after);
    if (found === undefined) {
      const first = { sequence: 0, firstIndex: 0 };
      await createSpare(disk, folder, segmentBytes);
      const file = await takeSpare(disk, folder, first);
      const wal = new Wal(options, file, { segments: [first], offset: 0, checksum: 0 });
      await wal.append({ identity: options.identity });
      return { wal, contents: undefined };
    }
    const { contents, tail } = found;
    const last = tail.segments.at(-1);
    assert(last !== undefined, 'WAL-2');
    const file = await disk.open(join(folder, segmentFile(last)));
    const wal = new Wal(options, file, tail);
    wal.#lastHardState = contents.hardState ?? null;
    wal.#lastIndex = contents.entries.at(-1)?.index ?? contents.snapshot?.index ?? 0;
    if (tail.isTorn) await wal.#clearTail();
    // A crash may have come between a new segment and its first record.
    if (contents.identity === null) await wal.append({ identity: options.identity });
    return { wal, contents };
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#segments.length * this.#segmentBytes;
  }

  /** Since this process started. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /**
   * Undefined: it is durable already, which only happens with `mayBlock` (nobody else needs the time). Throws
   * or rejects when the disk fails; the log must not be used after that.
   */
  append(record: Init<WalRecord>, mayBlock = false): Promise<void> | undefined {
    assert(!this.#isBusy, 'WAL-2');
    this.#isBusy = true;
    const frame = this.#buffer.frame(record, this.#checksum);
    const isFull = this.#offset > 0 && this.#offset + frame.bytes.length > this.#segmentBytes;
    const written = isFull ? this.#appendAfterRotation(record) : this.#write(frame, mayBlock);
    if (written === undefined) return this.#appended(record);
    return written.then(() => this.#appended(record));
  }

  async #appendAfterRotation(record: Init<WalRecord>): Promise<void> {
    await this.#rotate(record.entries?.[0]?.index ?? this.#lastIndex + 1);
    await this.#write(this.#buffer.frame(record, this.#checksum), false);
  }

  /**
   * The hard state is noted only now: a segment begun for this record must not promise what only its entries
   * make true.
   */
  #appended({ hardState, entries, snapshot }: Init<WalRecord>): undefined {
    if (hardState !== undefined && hardState !== null) {
      const { term = 0, vote = '', commit = 0 } = hardState;
      this.#lastHardState = { term, vote, commit };
    }
    this.#lastIndex = entries?.at(-1)?.index ?? snapshot?.index ?? this.#lastIndex;
    if (this.#offset > this.#segmentBytes / 2) this.#spare ??= this.#startSpare();
    this.#isBusy = false;
  }

  /** Removes segments that hold nothing beyond `index`; the one with `index` itself stays. */
  async release(index: number): Promise<void> {
    const keepFrom = this.#segments.findLastIndex(({ firstIndex }) => firstIndex <= index);
    const gone = this.#segments.slice(0, Math.max(0, keepFrom));
    if (gone.length === 0) return;
    this.#segments = this.#segments.slice(keepFrom);
    const { disk, folder } = this.#options;
    for (const segment of gone) await disk.remove(join(folder, segmentFile(segment)));
    await disk.syncFolder(folder);
  }

  async close(): Promise<void> {
    await this.#spare;
    await this.#file.close();
  }

  #write({ bytes, checksum }: Frame, mayBlock: boolean): Promise<void> | undefined {
    const at = this.#offset;
    this.#offset += bytes.length;
    this.#writtenBytes += bytes.length;
    this.#checksum = checksum;
    return this.#file.writeSynced(at, bytes, mayBlock);
  }

  /** Goes on in a new segment, whose first record says whose log this is and the hard state so far. */
  async #rotate(firstIndex: number): Promise<void> {
    const { disk, folder } = this.#options;
    await this.#file.sync();
    await this.#file.close();
    const segment = { sequence: (this.#segments.at(-1)?.sequence ?? -1) + 1, firstIndex };
    await (this.#spare ?? this.#prepareSpare());
    this.#spare = undefined;
    this.#file = await takeSpare(disk, folder, segment);
    this.#segments.push(segment);
    this.#offset = 0;
    await this.#write(
      this.#buffer.frame(
        { identity: this.#options.identity, hardState: this.#lastHardState },
        this.#checksum,
      ),
      false,
    );
  }

  #startSpare(): Promise<void> {
    const spare = this.#prepareSpare();
    // A failure (a full disk, say) matters when the spare is needed: who awaits it then gets it.
    spare.catch(() => undefined);
    return spare;
  }

  #prepareSpare(): Promise<void> {
    const { disk, folder } = this.#options;
    return createSpare(disk, folder, this.#segmentBytes);
  }

  /** By writing: a segment is never shorter than it was made. */
  async #clearTail(): Promise<void> {
    await this.#file.write(this.#offset, Buffer.alloc((await this.#file.size()) - this.#offset));
    await this.#file.sync();
  }
}

/** A segment gets its name only once it has its size: one that is shorter was cut off. */
async function createSpare(disk: Disk, folder: string, segmentBytes: number): Promise<void> {
  const file = await disk.open(join(folder, SPARE_NAME), { create: true, truncate: true });
  await file.preallocate(segmentBytes);
  await file.sync();
  await file.close();
}

async function takeSpare(disk: Disk, folder: string, segment: SegmentName): Promise<DiskFile> {
  const path = join(folder, segmentFile(segment));
  await disk.rename(join(folder, SPARE_NAME), path);
  await disk.syncFolder(folder);
  return disk.open(path);
}
