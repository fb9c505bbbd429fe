/** Below this, values share slabs; an ArrayBuffer of its own costs about as much as such a value. */
const SHARED_BYTES_MAX = 512;
const SLAB_BYTES = 16 * 1024;

let slab = Buffer.alloc(0);
let used = 0;

/**
 * A copy to keep. Node's own pool would do for short-lived buffers, but here one small value that lives on
 * would hold a slab full of other people's garbage: values get slabs of their own, or memory of exactly their
 * size.
 */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > SHARED_BYTES_MAX) {
    const own = Buffer.allocUnsafeSlow(length);
    own.set(bytes);
    return own;
  }
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const kept = slab.subarray(used, used + length);
  kept.set(bytes);
  used += length;
  return kept;
}
