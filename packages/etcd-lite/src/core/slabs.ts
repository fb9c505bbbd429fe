/** What lies in a slab, and can be moved to another. */
export interface Tenant {
  readonly wireLength: number;
  /** False: nothing refers to it any more, it need not be moved. */
  isKept(): boolean;
  /** Copies itself to `slab.used`. */
  moveTo(slab: Slab): void;
}

/** A piece of memory that many small things share. */
export class Slab {
  readonly bytes: Buffer;
  used = 0;
  /** Of what is still needed. */
  liveBytes = 0;
  readonly tenants: Tenant[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** `tenant` lies in it. */
  adopt(tenant: Tenant): void {
    this.used += tenant.wireLength;
    this.liveBytes += tenant.wireLength;
    this.tenants.push(tenant);
  }
}

const SLAB_BYTES = 256 * 1024;
/** Larger things have memory of their own. */
const SHARED_BYTES_MAX = 32 * 1024;

/**
 * Memory for what the store keeps, outside of the JavaScript heap. A Buffer of its own costs about 350 bytes
 * beside its content, and the garbage collector's time; in a slab it is two numbers (100 000 values of 1 KiB:
 * 112 MB instead of 145).
 *
 * A slab is free when nothing in it is needed. One that is mostly empty would stay for a few leftovers:
 * these are moved together (`moveOne`), so that slabs are never less than about half full.
 */
export class Slabs {
  #current = new Slab(Buffer.alloc(0));
  readonly #sparse = new Set<Slab>();

  /** The slab with room for `length` bytes at its `used`; who has written there is to be adopted. */
  roomFor(length: number): Slab {
    if (length > SHARED_BYTES_MAX) return new Slab(Buffer.allocUnsafeSlow(length));
    if (this.#current.used + length > this.#current.bytes.length) {
      const full = this.#current;
      this.#current = new Slab(Buffer.allocUnsafeSlow(SLAB_BYTES));
      this.#noteIfSparse(full);
    }
    return this.#current;
  }

  /** So many bytes of the slab are not needed any more. */
  release(slab: Slab, length: number): void {
    slab.liveBytes -= length;
    this.#noteIfSparse(slab);
  }

  get isSparse(): boolean {
    return this.#sparse.size > 0;
  }

  /** Empties one sparse slab: 256 KiB at most to copy. */
  moveOne(): void {
    const [slab] = this.#sparse;
    if (slab === undefined) return;
    this.#sparse.delete(slab);
    for (const tenant of slab.tenants) {
      if (!tenant.isKept()) continue;
      const target = this.roomFor(tenant.wireLength);
      tenant.moveTo(target);
      target.adopt(tenant);
    }
  }

  /** An empty one needs no moving: it is gone with its last reference. */
  #noteIfSparse(slab: Slab): void {
    if (slab === this.#current) return;
    if (slab.liveBytes === 0) this.#sparse.delete(slab);
    else if (slab.liveBytes < slab.used / 2) this.#sparse.add(slab);
  }
}
