import type { Init } from '@kubelab/rpc';
import {
  bytesFieldSize,
  numberFieldSize,
  writeBytesField,
  writeFieldHead,
  writeNumberField,
} from '../core/protobuf-bytes.ts';
import { type WalRecord, walRecordCodec, type WireEntry } from '../wire.ts';
import { FRAME_HEADER_BYTES, type Frame, sealFrame } from './frame.ts';
import { FrameBuffer } from './frame-buffer.ts';

/** Tags of `WalRecord.entries` and of the fields of `Entry`. */
const TAGS = { entries: 0x1a, term: 0x08, index: 0x10, isConfChange: 0x18, data: 0x22 };

/** Makes the frames of the log: what clients sent is copied once on its way to the disk. */
export class RecordBuffer {
  readonly #buffer = new FrameBuffer();

  /** Valid until the next one is made. */
  frame(record: Init<WalRecord>, previous: number): Frame {
    const entries = (record.entries ?? []) as readonly WireEntry[];
    const rest = walRecordCodec.encode({ ...record, entries: [] });
    const sizes = entries.map(entrySize);
    const length = sizes.reduce((sum, size) => sum + bytesFieldSize(size), rest.length);
    const frame = this.#buffer.frame(length);
    frame.set(rest, FRAME_HEADER_BYTES);
    let at = FRAME_HEADER_BYTES + rest.length;
    for (const [i, entry] of entries.entries()) {
      at = writeFieldHead(frame, at, TAGS.entries, sizes[i] ?? 0);
      at = writeEntry(frame, at, entry);
    }
    return { bytes: frame, checksum: sealFrame(frame, length, previous) };
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
