/** Protocol Buffers' wire format, as much of it as proto2 messages without groups need. */
import { DecodeError } from '../schema/decode-error.ts';

export type WireValue = bigint | Uint8Array;

const VARINT_BYTES_MAX = 10;

/**
 * Calls `onField` for each field of a message. Throws DecodeError when the bytes end early or make no sense.
 */
export function readMessage(bytes: Uint8Array, onField: (number: number, value: WireValue) => void): void {
  let offset = 0;

  function varint(): bigint {
    let result = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = bytes[offset];
      if (byte === undefined) throw new DecodeError('unexpected EOF');
      offset += 1;
      result |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
    throw new DecodeError('proto: integer overflow');
  }

  function take(length: number): Uint8Array {
    if (offset + length > bytes.length) throw new DecodeError('unexpected EOF');
    offset += length;
    return bytes.subarray(offset - length, offset);
  }

  while (offset < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    if (number === 0) throw new DecodeError('proto: illegal tag 0');
    switch (tag % 8) {
      case 0:
        onField(number, varint());
        break;
      case 1:
        onField(number, take(8));
        break;
      case 2:
        onField(number, take(Number(varint())));
        break;
      case 5:
        onField(number, take(4));
        break;
      default:
        throw new DecodeError(`proto: wrong wireType = ${tag % 8} for field ${number}`);
    }
  }
}

/** Signed, as Go writes int32 and int64: two's complement in 64 bits. */
export function signed(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}
