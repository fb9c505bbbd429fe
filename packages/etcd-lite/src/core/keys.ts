/**
 * Keys are bytes on the wire and strings of one character per byte inside: V8 keeps those in one byte per
 * character, compares them as fast as bytes, and can use them as Map keys.
 */
export type KeyText = string;
export const KEY_ENCODING = 'latin1';

/** Greater than every key: no byte is as large as this character. */
export const BEYOND_ALL_KEYS: KeyText = '\u0100';

export function keyText(bytes: Uint8Array): KeyText {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(KEY_ENCODING);
}

export function keyBytes(text: KeyText): Uint8Array {
  return Buffer.from(text, KEY_ENCODING);
}

/** The keys `start <= key < end`, or the one key `start`. */
export interface KeyRange {
  readonly start: KeyText;
  readonly end: KeyText | undefined;
}

const NO_END = new Uint8Array();

/** From the two fields that requests have: no end = the one key, a zero byte = everything from the key on. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array = NO_END): KeyRange {
  const start = keyText(key);
  if (rangeEnd.length === 0) return { start, end: undefined };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { start, end: BEYOND_ALL_KEYS };
  return { start, end: keyText(rangeEnd) };
}

export function isInRange(range: KeyRange, key: KeyText): boolean {
  return range.end === undefined ? key === range.start : key >= range.start && key < range.end;
}
