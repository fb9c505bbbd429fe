/**
 * CRC-32C (Castagnoli), reflected, as storage formats use it: it finds every burst of up to 32 wrong bits.
 * Eight bytes at a time ("slicing by eight"): table `k` says what a byte does `k` bytes later.
 */
const TABLES = makeTables();
const TABLE_LENGTH = 256;

/** Goes on from `seed`, the checksum of what came before (0 for nothing). */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    const low = crc ^ view.getInt32(i, true);
    const high = view.getInt32(i + 4, true);
    // All indexes are within bounds by construction; `?? 0` would cost a branch on each byte.
    crc =
      (TABLES[7 * TABLE_LENGTH + (low & 0xff)] as number) ^
      (TABLES[6 * TABLE_LENGTH + ((low >>> 8) & 0xff)] as number) ^
      (TABLES[5 * TABLE_LENGTH + ((low >>> 16) & 0xff)] as number) ^
      (TABLES[4 * TABLE_LENGTH + (low >>> 24)] as number) ^
      (TABLES[3 * TABLE_LENGTH + (high & 0xff)] as number) ^
      (TABLES[2 * TABLE_LENGTH + ((high >>> 8) & 0xff)] as number) ^
      (TABLES[TABLE_LENGTH + ((high >>> 16) & 0xff)] as number) ^
      (TABLES[high >>> 24] as number);
  }
  for (; i < length; i++) crc = (TABLES[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    tables[n] = c;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256] as number;
    tables[at] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
  return tables;
}
