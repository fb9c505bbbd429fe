/** Above this, a copy has memory of its own. */
const SHARED_BYTES_MAX = 32 * 1024;
const CHUNK_BYTES = 64 * 1024;

let chunk = Buffer.alloc(0);
let used = 0;

/**
 * A copy to keep for a while, as log entries are: those that come together go together, so one piece of
 * memory for many of them is free again as soon as a piece for each would be. (Node's own pool would mix them
 * with what others keep for long.)
 */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > SHARED_BYTES_MAX) {
    const own = Buffer.allocUnsafeSlow(length);
    own.set(bytes);
    return own;
  }
  if (used + length > chunk.length) {
    chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    used = 0;
  }
  const kept = chunk.subarray(used, used + length);
  kept.set(bytes);
  used += length;
  return kept;
}
