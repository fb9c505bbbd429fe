import { frameLength } from './frame.ts';

const KEPT_BYTES_MAX = 1024 * 1024;

/**
 * Memory in which frames are made, one after the other: a new Buffer for each would be garbage that the collector
 * sees late (10 000 writes of 1 KiB a second are 30 MB of it), and the process would grow by it.
 */
export class FrameBuffer {
  #buffer = Buffer.alloc(0);

  /** For a frame with so much payload; valid until the next call. */
  frame(payloadLength: number): Buffer {
    const length = frameLength(payloadLength);
    if (length > KEPT_BYTES_MAX) return Buffer.allocUnsafe(length);
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(Math.max(4096, 2 * length));
    return this.#buffer.subarray(0, length);
  }
}
