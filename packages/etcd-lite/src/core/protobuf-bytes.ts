import type { Int64 } from '@kubelab/rpc';

/*
 * The little of protobuf that the store's hot messages need, by hand: they are made and read by the hundred
 * thousand, and a general codec would make objects and copies on the way.
 */

export function varintSize(value: Int64): number {
  if (typeof value === 'bigint' || value < 0) return bigVarint(value).length;
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Returns the position behind. */
export function writeVarint(target: Uint8Array, offset: number, value: Int64): number {
  let at = offset;
  if (typeof value === 'bigint' || value < 0) {
    for (const byte of bigVarint(value)) target[at++] = byte;
    return at;
  }
  let rest = value;
  // Beyond 31 bits the quick operators do not reach.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  for (; rest >= 128; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

/** A number's field; zero is left out. */
export function numberFieldSize(value: Int64): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

export function writeNumberField(target: Uint8Array, at: number, tag: number, value: Int64): number {
  if (value === 0) return at;
  target[at] = tag;
  return writeVarint(target, at + 1, value);
}

/** A field of bytes; an empty one is left out. */
export function bytesFieldSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

export function writeBytesField(target: Uint8Array, at: number, tag: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return at;
  const start = writeFieldHead(target, at, tag, bytes.length);
  target.set(bytes, start);
  return start + bytes.length;
}

/** Tag and length of a field whose bytes follow. */
export function writeFieldHead(target: Uint8Array, at: number, tag: number, length: number): number {
  target[at] = tag;
  return writeVarint(target, at + 1, length);
}

/** As protobuf has them, negative numbers are those of 64 bits. */
function bigVarint(value: Int64): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}
