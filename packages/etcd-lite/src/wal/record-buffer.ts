import type { Init } from '@kubelab/rpc';
import {
  bytesFieldSize,
  numberFieldSize,
  writeBytesField,
  writeFieldHead,
  writeNumberField,
} from '../core/protobuf-bytes.ts';
import { type WalRecord, walRecordCodec, type WireEntry } from '../wire.ts';
import { FRAME_HEADER_BYTES, type Frame, frameLength, sealFrame } from './frame.ts';

/** Tags of `WalRecord.entries` and of the fields of `Entry`. */
const TAGS = { entries: 0x1a, term: 0x08, index: 0x10, isConfChange: 0x18, data: 0x22 };
const KEPT_BYTES_MAX = 1024 * 1024;

/**
 * Makes the frames of the log, one after the other in the same memory: what clients sent is copied once on
 * its way to the disk, and leaves no garbage (10 000 writes of 1 KiB a second were 30 MB of it).
 */
export class RecordBuffer {
  #buffer = Buffer.alloc(0);

  /** Valid until the next one is made. */
  frame(record: Init<WalRecord>, previous: number): Frame {
    const entries = (record.entries ?? []) as readonly WireEntry[];
    const rest = walRecordCodec.encode({ ...record, entries: [] });
    const sizes = entries.map(entrySize);
    const length = sizes.reduce((sum, size) => sum + bytesFieldSize(size), rest.length);
    const frame = this.#roomFor(frameLength(length));
    frame.set(rest, FRAME_HEADER_BYTES);
    let at = FRAME_HEADER_BYTES + rest.length;
    for (const [i, entry] of entries.entries()) {
      at = writeFieldHead(frame, at, TAGS.entries, sizes[i] ?? 0);
      at = writeEntry(frame, at, entry);
    }
    return { bytes: frame, checksum: sealFrame(frame, length, previous) };
  }

  #roomFor(length: number): Buffer {
    if (length > KEPT_BYTES_MAX) return Buffer.allocUnsafe(length);
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(Math.max(4096, 2 * length));
    return this.#buffer.subarray(0, length);
  }
}

function entrySize({ term, index, isConfChange, data }: WireEntry): number {
  const flag = isConfChange ? 2 : 0;
  return numberFieldSize(term) + numberFieldSize(index) + flag + bytesFieldSize(data.length);
}

function writeEntry(target: Buffer, offset: number, { term, index, isConfChange, data }: WireEntry): number {
  let at = writeNumberField(target, offset, TAGS.term, term);
  at = writeNumberField(target, at, TAGS.index, index);
  at = writeNumberField(target, at, TAGS.isConfChange, isConfChange ? 1 : 0);
  return writeBytesField(target, at, TAGS.data, data);
}
