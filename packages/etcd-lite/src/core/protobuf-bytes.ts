import { type Int64, int64 } from '@kubelab/rpc';

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

/** Reads fields in the order in which they are asked for; one that is not there is zero, or empty. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Up to 2^53. */
  numberField(tag: number): number {
    return Number(this.int64Field(tag));
  }

  int64Field(tag: number): Int64 {
    if (this.#bytes[this.#at] !== tag) return 0;
    this.#at++;
    return this.#varint();
  }

  /** Passes over the bytes of a field; how many they are. They end where it is then (`at`). */
  bytesFieldLength(tag: number): number {
    if (this.#bytes[this.#at] !== tag) return 0;
    this.#at++;
    const length = Number(this.#varint());
    if (this.#at + length > this.#bytes.length) throw new RangeError('a field beyond the end');
    this.#at += length;
    return length;
  }

  #varint(): Int64 {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
    return this.#longVarint(BigInt(value));
  }

  /** The part from 49 bits on: negative numbers, and ids chosen at random. */
  #longVarint(low: bigint): Int64 {
    let value = low;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return int64(BigInt.asIntN(64, value));
    }
    throw new RangeError('varint longer than ten bytes');
  }
}
