import { join } from 'node:path';
import type { Disk } from '@kubelab/component-base';
import { EMPTY_BYTES } from '@kubelab/rpc';
import { keepBytes } from '../core/keep-bytes.ts';
import { type WalRecord, walRecordCodec, type WireEntry, type WireSnapshotMetadata } from '../wire.ts';
import { frameAt, isZero } from './frame.ts';
import { parseSegmentFile, segmentFile, type SegmentName, WalDamagedError } from './segment.ts';

/** What the log says about the member before it stopped. */
export interface WalContents {
  readonly hardState: NonNullable<WalRecord['hardState']> | undefined;
  /** Consecutive; later writes of an index replaced earlier ones. */
  readonly entries: WireEntry[];
  /** The state that the entries follow, where the log says so. */
  readonly snapshot: WireSnapshotMetadata | undefined;
  readonly identity: WalRecord['identity'];
}

export interface WalTail {
  readonly segments: readonly SegmentName[];
  /** Where to go on writing in the last segment. */
  readonly offset: number;
  readonly checksum: number;
  /** The end of the last segment holds parts of a write that never finished. */
  readonly isTorn: boolean;
}

/**
 * Reads the segments from the one on that holds entry `after`: all others are for an older checkpoint. Of
 * entries up to that one, only index and term are kept. A segment got its name when it had its size:
 * `segmentBytes`, or more. Throws `WalDamagedError`.
 */
export async function readWal(
  disk: Disk,
  folder: string,
  segmentBytes: number,
  after = 0,
): Promise<{ contents: WalContents; tail: WalTail } | undefined> {
  const segments = (await disk.list(folder))
    .map(parseSegmentFile)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.sequence - b.sequence);
  if (segments.length === 0) return undefined;
  const collector = new Collector(after);
  const firstRead = Math.max(
    0,
    segments.findLastIndex(({ firstIndex }) => firstIndex <= after),
  );
  let checksum: number | undefined;
  let offset = 0;
  let isTorn = false;
  for (const [i, segment] of segments.entries()) {
    if (i < firstRead) continue;
    const path = join(folder, segmentFile(segment));
    const file = asBuffer((await disk.readFile(path)) ?? Buffer.alloc(0));
    const isLast = i === segments.length - 1;
    if (file.length < segmentBytes) throw new WalDamagedError(path, file.length, 'the file is cut off here');
    // The first one follows on one that is gone, or not needed: whatever its first record names is valid.
    checksum ??= file.length >= 12 ? file.readUInt32LE(8) : 0;
    offset = 0;
    for (;;) {
      const frame = frameAt(file, offset, checksum);
      if (frame.type === 'record') {
        collector.add(walRecordCodec.decode(frame.payload), path, offset);
        ({ checksum } = frame);
        offset = frame.next;
        continue;
      }
      if (frame.type === 'damaged') throw new WalDamagedError(path, offset, frame.why);
      if (frame.type === 'torn' && !isLast)
        throw new WalDamagedError(path, offset, 'a later segment follows');
      // Of an unfinished write the first sector may be missing, and later ones be there.
      isTorn = frame.type === 'torn' || !isZero(file, offset, file.length);
      break;
    }
  }
  return { contents: collector, tail: { segments, offset, checksum: checksum ?? 0, isTorn } };
}

/** Replays records in their order. */
class Collector implements WalContents {
  hardState: WalContents['hardState'];
  entries: WireEntry[] = [];
  snapshot: WalContents['snapshot'];
  identity: WalContents['identity'] = null;
  readonly #after: number;

  constructor(after: number) {
    this.#after = after;
  }

  add(record: WalRecord, path: string, offset: number): void {
    if (record.identity !== null) this.identity = record.identity;
    if (record.hardState !== null) this.hardState = record.hardState;
    if (record.snapshot !== null) {
      this.snapshot = record.snapshot;
      this.entries = [];
    }
    for (const entry of record.entries) {
      const last = this.entries.at(-1)?.index ?? this.snapshot?.index;
      if (last !== undefined && entry.index > last + 1) {
        throw new WalDamagedError(path, offset, `entry ${entry.index} follows entry ${last}`);
      }
      const first = this.entries[0]?.index ?? entry.index;
      if (entry.index < first) this.entries = [];
      else if (last !== undefined && entry.index <= last) this.entries.length = entry.index - first;
      // Copied: a slice would keep the whole segment in memory.
      const data = entry.index > this.#after ? keepBytes(entry.data) : EMPTY_BYTES;
      this.entries.push({ term: entry.term, index: entry.index, isConfChange: entry.isConfChange, data });
    }
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
