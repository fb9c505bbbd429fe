import { isTombstone, type KeyVersion } from './key-history.ts';

/**
 * A version as etcd has it in its database, which is also what its hashes are made of. The key is the
 * revision: both numbers as eight bytes, most significant first, with `_` in between; a deletion is marked by
 * a `t` behind. The value is the `mvccpb.KeyValue` in protobuf, fields in ascending order and zeroes left out.
 */
export const REVISION_BYTES = 17;
const SEPARATOR = '_'.charCodeAt(0);
const TOMBSTONE = 't'.charCodeAt(0);

/** Field numbers of `mvccpb.KeyValue` with their wire types. */
const TAGS = { key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30 };

export interface Revision {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
}

export function revisionBytes({ main, sub, isTombstone: isDeleted }: Revision): Buffer {
  const bytes = Buffer.alloc(isDeleted ? REVISION_BYTES + 1 : REVISION_BYTES);
  writeRevision(bytes, 0, main, sub);
  if (isDeleted) bytes[REVISION_BYTES] = TOMBSTONE;
  return bytes;
}

/** Undefined: this is none. */
export function parseRevision(bytes: Buffer): Revision | undefined {
  const isDeleted = bytes.length === REVISION_BYTES + 1 && bytes[REVISION_BYTES] === TOMBSTONE;
  if ((bytes.length !== REVISION_BYTES && !isDeleted) || bytes[8] !== SEPARATOR) return undefined;
  const main = Number(bytes.readBigUInt64BE(0));
  const sub = Number(bytes.readBigUInt64BE(9));
  if (!Number.isSafeInteger(main) || !Number.isSafeInteger(sub)) return undefined;
  return { main, sub, isTombstone: isDeleted };
}

export function entryKeySize(version: KeyVersion): number {
  return isTombstone(version) ? REVISION_BYTES + 1 : REVISION_BYTES;
}

export function entryKey(version: KeyVersion): Buffer {
  const { modRevision, sub } = version;
  return revisionBytes({ main: modRevision, sub, isTombstone: isTombstone(version) });
}

export function entryValueSize(version: KeyVersion): number {
  const { key, value, createRevision, modRevision, version: count, lease } = version;
  const keySize = bytesFieldSize(key.length);
  // A deletion says what was deleted, and its revision is in the key.
  if (isTombstone(version)) return keySize;
  return (
    keySize +
    numberFieldSize(createRevision) +
    numberFieldSize(modRevision) +
    numberFieldSize(count) +
    bytesFieldSize(value.length) +
    numberFieldSize(lease)
  );
}

/** Writes key and value, one after the other; the position behind. */
export function writeEntry(version: KeyVersion, target: Buffer, offset: number): number {
  const { key, value, createRevision, modRevision, version: count, lease, sub } = version;
  writeRevision(target, offset, modRevision, sub);
  let at = offset + REVISION_BYTES;
  if (isTombstone(version)) {
    target[at] = TOMBSTONE;
    return writeBytes(target, at + 1, TAGS.key, key);
  }
  at = writeBytes(target, at, TAGS.key, key);
  at = writeNumber(target, at, TAGS.createRevision, createRevision);
  at = writeNumber(target, at, TAGS.modRevision, modRevision);
  at = writeNumber(target, at, TAGS.version, count);
  at = writeBytes(target, at, TAGS.value, value);
  return writeNumber(target, at, TAGS.lease, lease);
}

const TWO_32 = 2 ** 32;

/** Revisions are far below 2^53: two halves do, and no BigInt is made. */
function writeRevision(target: Buffer, offset: number, main: number, sub: number): void {
  target.writeUInt32BE(Math.floor(main / TWO_32), offset);
  target.writeUInt32BE(main % TWO_32, offset + 4);
  target[offset + 8] = SEPARATOR;
  target.writeUInt32BE(Math.floor(sub / TWO_32), offset + 9);
  target.writeUInt32BE(sub % TWO_32, offset + 13);
}

function bytesFieldSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

function numberFieldSize(value: number | bigint): number {
  if (value === 0) return 0;
  return 1 + varintSize(unsigned(value));
}

function varintSize(value: number | bigint): number {
  if (typeof value === 'bigint') return Math.ceil(value.toString(2).length / 7);
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** As protobuf has them, negative numbers are those of 64 bits. */
function unsigned(value: number | bigint): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}

function writeBytes(target: Buffer, offset: number, tag: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return offset;
  target[offset] = tag;
  const at = writeVarint(target, offset + 1, bytes.length);
  target.set(bytes, at);
  return at + bytes.length;
}

function writeNumber(target: Buffer, offset: number, tag: number, value: number | bigint): number {
  if (value === 0) return offset;
  target[offset] = tag;
  return writeVarint(target, offset + 1, unsigned(value));
}

function writeVarint(target: Buffer, offset: number, value: number | bigint): number {
  let at = offset;
  if (typeof value === 'bigint') {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) target[at++] = Number(rest & 0x7fn) | 0x80;
    target[at++] = Number(rest);
    return at;
  }
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  target[at++] = rest;
  return at;
}
