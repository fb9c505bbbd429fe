import { isTombstone, KEY_VALUE_TAGS, type KeyVersion } from './key-version.ts';
import { bytesFieldSize, writeBytesField } from './protobuf-bytes.ts';

/**
 * A version as etcd has it in its database, which is also what its hashes are made of. The key is the
 * revision: both numbers as eight bytes, most significant first, with `_` in between; a deletion is marked by
 * a `t` behind. The value is the `mvccpb.KeyValue` in protobuf, fields in ascending order and zeroes left out.
 */
export const REVISION_BYTES = 17;
const SEPARATOR = '_'.charCodeAt(0);
const TOMBSTONE = 't'.charCodeAt(0);

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

/** A deletion says what was deleted, and nothing else: its revision is in the key. */
export function entryValueSize(version: KeyVersion): number {
  return isTombstone(version) ? bytesFieldSize(version.history.text.length) : version.wireLength;
}

/** Writes key and value, one after the other. */
export function writeEntry(version: KeyVersion, target: Buffer, offset: number): void {
  writeRevision(target, offset, version.modRevision, version.sub);
  const at = offset + REVISION_BYTES;
  if (isTombstone(version)) {
    target[at] = TOMBSTONE;
    writeBytesField(target, at + 1, KEY_VALUE_TAGS.key, version.key);
  } else {
    version.copyWire(target, at);
  }
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
