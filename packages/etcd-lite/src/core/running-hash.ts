import { crc32c } from '../wal/crc32c.ts';

/** Hashed in one go: well below a millisecond, and long enough for the hash to be fast. */
const SLICE_BYTES = 128 * 1024;

/** CRC-32C of what is written piece by piece, gathered into slices. */
export class RunningHash {
  #hash: number;
  #slice = Buffer.alloc(SLICE_BYTES);
  #used = 0;

  /** `seed`: the hash of what came before. */
  constructor(seed = 0) {
    this.#hash = seed;
  }

  /** Adds `size` bytes that `write` writes. True: a slice is full, so others may have their turn. */
  add(size: number, write: (target: Buffer, offset: number) => void): boolean {
    const isFull = this.#used + size > this.#slice.length;
    if (isFull) {
      this.#flush();
      if (size > this.#slice.length) this.#slice = Buffer.alloc(size);
    }
    write(this.#slice, this.#used);
    this.#used += size;
    return isFull;
  }

  end(): number {
    this.#flush();
    return this.#hash;
  }

  #flush(): void {
    this.#hash = crc32c(this.#slice.subarray(0, this.#used), this.#hash);
    this.#used = 0;
  }
}
