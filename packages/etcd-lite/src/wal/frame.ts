import { crc32 } from 'node:zlib';
import { crc32c } from './crc32c.ts';

/**
 * One record in a file: 16 bytes of header, the payload, zeroes up to a multiple of 8.
 *
 *   magic u32 · payload length u32 · checksum of the record before u32 · checksum u32   (little endian)
 *
 * The checksum covers the previous one, the length and the payload: records form a chain, so that a record in
 * the wrong place is found as surely as a changed byte. It is CRC-32, which Node has in machine code (5 GB/s,
 * where CRC-32C in JavaScript makes 0.45: a fifth of a restart); both find every burst of up to 32 wrong
 * bits.
 * Frames of the first format, with CRC-32C, are still read.
 */
export const FRAME_HEADER_BYTES = 16;
const MAGIC = 0x32574c4b; // "KLW2"
const MAGIC_CRC32C = 0x31574c4b; // "KLW1"
const ALIGNMENT = 8;
const SECTOR_BYTES = 512;
const ZEROES = new Uint8Array(64 * 1024);
/** Larger than any record we write; a length beyond it is damage. */
const PAYLOAD_BYTES_MAX = 512 * 1024 * 1024;

export function frameLength(payloadLength: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + payloadLength) / ALIGNMENT) * ALIGNMENT;
}

export interface Frame {
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

export function encodeFrame(payload: Uint8Array, previous: number): Frame {
  const bytes = Buffer.allocUnsafe(frameLength(payload.length));
  bytes.set(payload, FRAME_HEADER_BYTES);
  return { bytes, checksum: sealFrame(bytes, payload.length, previous) };
}

/** Completes a frame whose payload is in its place; the checksum. */
export function sealFrame(frame: Buffer, payloadLength: number, previous: number): number {
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt32LE(payloadLength, 4);
  frame.writeUInt32LE(previous, 8);
  frame.fill(0, FRAME_HEADER_BYTES + payloadLength, frameLength(payloadLength));
  const checksum = checksumOf(frame, payloadLength);
  frame.writeUInt32LE(checksum, 12);
  return checksum;
}

/**
 * - `record`: whole and valid; `next` is where the following one starts
 * - `end`: nothing was written here
 * - `torn`: the write of this record did not finish
 * - `damaged`: it was finished, and is not what was written
 */
export type FrameAt =
  | {
      readonly type: 'record';
      readonly payload: Uint8Array;
      readonly checksum: number;
      readonly next: number;
    }
  | { readonly type: 'end' }
  | { readonly type: 'torn' }
  | { readonly type: 'damaged'; readonly why: string };

/**
 * What is at `offset` of a file (space reserved ahead is zeroes). A crash can only tear the last record, as
 * the next one is not started before it is durable, and it leaves whole sectors unwritten: that, and nothing
 * else, counts as torn.
 */
export function frameAt(file: Buffer, offset: number, previous: number): FrameAt {
  const valid = validFrame(file, offset);
  if (valid !== undefined) {
    if (file.readUInt32LE(offset + 8) === previous) return valid;
    return { type: 'damaged', why: 'the record does not follow the one before it' };
  }
  const isFollowed = hasValidFrameAfter(file, offset);
  if (isFollowed) return { type: 'damaged', why: 'a valid record follows' };
  if (isZero(file, offset, offset + FRAME_HEADER_BYTES)) return { type: 'end' };
  if (isHeaderSplit(file, offset)) return { type: 'torn' };
  const extent = extentOf(file, offset);
  if (extent === undefined) return { type: 'damaged', why: 'the record has no valid header' };
  if (hasChangedLength(file, offset)) return { type: 'damaged', why: 'its length was changed' };
  // Nothing is begun behind a record that is not finished.
  if (!isZero(file, extent, file.length))
    return { type: 'damaged', why: 'another record was begun behind it' };
  if (extent > file.length || hasZeroSector(file, offset, extent)) return { type: 'torn' };
  return { type: 'damaged', why: 'the checksum does not match' };
}

function validFrame(file: Buffer, offset: number): Extract<FrameAt, { type: 'record' }> | undefined {
  if (offset + FRAME_HEADER_BYTES > file.length || !isMagic(file.readUInt32LE(offset))) return undefined;
  const length = file.readUInt32LE(offset + 4);
  if (length > PAYLOAD_BYTES_MAX || offset + frameLength(length) > file.length) return undefined;
  const checksum = file.readUInt32LE(offset + 12);
  if (checksumOf(file.subarray(offset), length) !== checksum) return undefined;
  const start = offset + FRAME_HEADER_BYTES;
  return {
    type: 'record',
    payload: file.subarray(start, start + length),
    checksum,
    next: offset + frameLength(length),
  };
}

function isMagic(word: number): boolean {
  return word === MAGIC || word === MAGIC_CRC32C;
}

function checksumOf(frame: Buffer, length: number): number {
  const checksum = frame.readUInt32LE(0) === MAGIC_CRC32C ? crc32c : crc32;
  const payload = frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length);
  return checksum(payload, checksum(frame.subarray(4, 12), 0));
}

function hasValidFrameAfter(file: Buffer, offset: number): boolean {
  return [MAGIC, MAGIC_CRC32C].some((word) => {
    const magic = Buffer.alloc(4);
    magic.writeUInt32LE(word);
    for (let at = file.indexOf(magic, offset + 1); at >= 0; at = file.indexOf(magic, at + 1)) {
      if (at % ALIGNMENT === 0 && validFrame(file, at) !== undefined) return true;
    }
    return false;
  });
}

/** Where the record that seems to start at `offset` ends; undefined when its header is no header. */
function extentOf(file: Buffer, offset: number): number | undefined {
  if (offset + FRAME_HEADER_BYTES > file.length) return file.length + 1;
  const magic = file.readUInt32LE(offset);
  const length = file.readUInt32LE(offset + 4);
  if (!isMagic(magic) || length > PAYLOAD_BYTES_MAX) return undefined;
  return offset + frameLength(length);
}

/** Its first half lies in a sector that was not written, and the second in one that was: nobody knows its length. */
function isHeaderSplit(file: Buffer, offset: number): boolean {
  const half = offset + ALIGNMENT;
  return half % SECTOR_BYTES === 0 && isZero(file, offset, half);
}

/**
 * A changed bit in its length makes a whole record look like one whose end was never written: would it be
 * valid with that bit as it was?
 */
function hasChangedLength(file: Buffer, offset: number): boolean {
  if (offset + FRAME_HEADER_BYTES > file.length) return false;
  const length = file.readUInt32LE(offset + 4);
  for (let bit = 0; 2 ** bit <= PAYLOAD_BYTES_MAX; bit++) {
    const candidate = (length ^ (1 << bit)) >>> 0;
    if (candidate > PAYLOAD_BYTES_MAX || offset + frameLength(candidate) > file.length) continue;
    const frame = Buffer.from(file.subarray(offset, offset + frameLength(candidate)));
    frame.writeUInt32LE(candidate, 4);
    if (checksumOf(frame, candidate) === frame.readUInt32LE(12)) return true;
  }
  return false;
}

function hasZeroSector(file: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const sectorEnd = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    // The padding at the very end is zeroes in any case.
    if (sectorEnd - at >= ALIGNMENT && isZero(file, at, sectorEnd)) return true;
    at = sectorEnd;
  }
  return false;
}

export function isZero(file: Buffer, from: number, to: number): boolean {
  const end = Math.min(to, file.length);
  for (let at = from; at < end; at += ZEROES.length) {
    const length = Math.min(ZEROES.length, end - at);
    if (file.compare(ZEROES, 0, length, at, at + length) !== 0) return false;
  }
  return true;
}
