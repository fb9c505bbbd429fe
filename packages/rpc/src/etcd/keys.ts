const encoder = new TextEncoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A key or value as text; etcd's keys are bytes, Kubernetes' are UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** As `rangeEnd`: every key from `key` on. */
export const FROM_KEY: Uint8Array = Uint8Array.of(0);

/**
 * The `rangeEnd` that makes `prefix` a range of all keys that start with it: the last byte below 0xff plus
 * one.
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] ?? 0;
    if (byte < 0xff) {
      // A copy, also of a Buffer, whose `slice` makes none.
      const end = Uint8Array.from(prefix.subarray(0, i + 1));
      end[i] = byte + 1;
      return end;
    }
  }
  return FROM_KEY;
}
