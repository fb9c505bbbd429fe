import type { Random } from '@kubelab/component-base';

export const SECTOR_BYTES = 512;

/**
 * What a crash does to sectors that were written and not synced. `first-lost`: all but the first of a file arrive, where whatever
 * was written begins.
 */
export type Tearing = 'all-lost' | 'some-lost' | 'first-lost' | 'none-lost';

/** The content of a file: as processes see it, and as it is on the platter. */
export class Inode {
  #cache: Buffer = Buffer.alloc(0);
  #platter: Buffer = Buffer.alloc(0);
  readonly #dirty = new Set<number>();

  get size(): number {
    return this.#cache.length;
  }
  get durableSize(): number {
    return this.#platter.length;
  }

  read(position: number, length: number): Buffer {
    return Buffer.from(this.#cache.subarray(position, position + length));
  }

  write(position: number, data: Uint8Array): void {
    if (position + data.length > this.size) this.resize(position + data.length);
    this.#cache.set(data, position);
    const last = Math.floor((position + data.length - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(position / SECTOR_BYTES); sector <= last; sector++) this.#dirty.add(sector);
  }

  /** New space is zeroes, also where something was before the file was cut. */
  resize(length: number): void {
    for (let sector = Math.floor(length / SECTOR_BYTES); sector * SECTOR_BYTES < this.size; sector++)
      this.#dirty.add(sector);
    const next = Buffer.alloc(length);
    this.#cache.copy(next, 0, 0, length);
    this.#cache = next;
  }

  /** Starts a sync of some bytes; what the returned function makes durable is the content as of now. */
  beginSync(from = 0, to = Number.POSITIVE_INFINITY): () => void {
    const { size } = this;
    const sectors = [...this.#dirty]
      .filter((sector) => (sector + 1) * SECTOR_BYTES > from && sector * SECTOR_BYTES < to)
      .map((sector) => [sector, this.#sectorOf(sector)] as const);
    return () => {
      this.#platter = resized(this.#platter, size);
      for (const [sector, content] of sectors) {
        this.#put(sector, content);
        if (this.#sectorOf(sector).equals(content)) this.#dirty.delete(sector);
      }
    };
  }

  /** Power is lost: of what was not synced, whole sectors arrive or do not (SIM-2). */
  crash(random: Random, tearing: Tearing): void {
    const first = Math.min(...this.#dirty);
    const survives = (sector?: number): boolean => {
      if (tearing === 'some-lost') return random.float() < 0.5;
      return tearing === 'none-lost' || (tearing === 'first-lost' && sector !== first);
    };
    if (this.size !== this.durableSize && survives()) this.#platter = resized(this.#platter, this.size);
    for (const sector of this.#dirty) if (survives(sector)) this.#put(sector, this.#sectorOf(sector));
    this.#dirty.clear();
    this.#cache = Buffer.from(this.#platter);
  }

  flipBit(random: Random): void {
    const at = random.int(this.#platter.length);
    this.#platter[at] = (this.#platter[at] ?? 0) ^ (1 << random.int(8));
    this.#cache[at] = this.#platter[at] ?? 0;
  }

  #sectorOf(sector: number): Buffer {
    return Buffer.from(this.#cache.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
  }

  /** Parts beyond the end are not part of the file. */
  #put(sector: number, content: Buffer): void {
    const at = sector * SECTOR_BYTES;
    if (at < this.#platter.length) content.copy(this.#platter, at);
  }
}

function resized(content: Buffer, length: number): Buffer {
  if (content.length === length) return content;
  const next = Buffer.alloc(length);
  content.copy(next, 0, 0, length);
  return next;
}
