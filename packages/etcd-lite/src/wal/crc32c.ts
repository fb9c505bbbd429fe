/**
 * CRC-32C (Castagnoli), reflected, as storage formats use it: it finds every burst of up to 32 wrong bits.
 */
const TABLE = makeTable();

/** Goes on from `seed`, the checksum of what came before (0 for nothing). */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  const { length } = bytes;
  for (let i = 0; i < length; i++) {
    // Both indexes are within bounds by construction; `?? 0` would cost a branch on each byte.
    crc = (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[n] = c;
  }
  return table;
}
