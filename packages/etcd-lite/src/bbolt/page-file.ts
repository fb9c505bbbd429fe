import type { DiskFile } from '@kubelab/component-base';
import {
  decodeMeta,
  type Meta,
  META_BYTES,
  PAGE_HEADER_BYTES,
  PAGE_TYPES,
  type PageHeader,
  readPageHeader,
} from './format.ts';

/** A bbolt file is not what its writer wrote. */
export class DatabaseDamagedError extends Error {
  constructor(path: string, at: { readonly page: number; readonly offset: number }, why: string) {
    super(
      `database damaged: ${path}, page ${at.page} at offset ${at.offset}: ${why}; take another copy of it`,
    );
    this.name = 'DatabaseDamagedError';
  }
}

/** A page with those that belong to it. */
export interface PageRead {
  readonly header: PageHeader;
  readonly bytes: Buffer;
}

/** One bit a page. */
class PageSet {
  readonly #bits: Uint8Array;

  constructor(pageCount: number) {
    this.#bits = new Uint8Array(Math.ceil(pageCount / 8));
  }

  /** False: it was there already. */
  add(page: number): boolean {
    const bit = 1 << (page & 7);
    const bits = this.#bits[page >> 3] ?? 0;
    this.#bits[page >> 3] = bits | bit;
    return (bits & bit) === 0;
  }
}

/** Read in one go: pages of one bucket mostly lie side by side. */
const BLOCK_BYTES = 256 * 1024;
const BLOCKS_KEPT = 8;
const PAGE_BYTES_MIN = 1024;
const PAGE_BYTES_MAX = 64 * 1024;
const FIRST_TREE_PAGE = 2;

/** The pages of a bbolt file. */
export class PageFile {
  readonly path: string;
  readonly meta: Meta;
  readonly #file: DiskFile;
  readonly #blocks = new Map<number, Buffer>();

  private constructor(file: DiskFile, path: string, meta: Meta) {
    this.#file = file;
    this.path = path;
    this.meta = meta;
  }

  /** `size`: bytes of the file that count. Throws `DatabaseDamagedError`. */
  static async open(file: DiskFile, path: string, size: number): Promise<PageFile> {
    const meta = await newestMeta(file, path);
    const { pageBytes, pageCount, root } = meta;
    const whole = pageCount * pageBytes;
    if (size < whole) {
      const why = `the file is cut off: it should have ${whole} bytes`;
      throw new DatabaseDamagedError(path, { page: Math.floor(size / pageBytes), offset: size }, why);
    }
    if (root < FIRST_TREE_PAGE || root >= pageCount)
      throw new DatabaseDamagedError(path, { page: 0, offset: 0 }, `the root page ${root} is out of bounds`);
    return new PageFile(file, path, meta);
  }

  /** No page yet. */
  noPages(): PageSet {
    return new PageSet(this.meta.pageCount);
  }

  damaged(page: number, offset: number, why: string): DatabaseDamagedError {
    return new DatabaseDamagedError(this.path, { page, offset: page * this.meta.pageBytes + offset }, why);
  }

  /**
   * A branch or a leaf, to which page `parent` refers. `seen`: the pages of this walk so far; a page that is
   * reached twice means a damaged file, and a walk through one with cycles ends.
   */
  async read(id: number, parent: number, seen: PageSet): Promise<PageRead> {
    const { pageBytes, pageCount } = this.meta;
    if (id < FIRST_TREE_PAGE || id >= pageCount)
      throw this.damaged(parent, 0, `it refers to page ${id}, but there are ${pageCount}`);
    const first = await this.#bytes(id * pageBytes, pageBytes);
    const header = readPageHeader(first);
    if (header.id !== id) throw this.damaged(id, 0, `it says that it is page ${header.id}`);
    if (header.type !== PAGE_TYPES.branch && header.type !== PAGE_TYPES.leaf)
      throw this.damaged(id, 8, `neither a branch nor a leaf (type ${header.type.toString(16)})`);
    if (id + header.overflow >= pageCount)
      throw this.damaged(id, 12, `it goes on for ${header.overflow} pages, beyond the end`);
    for (let page = id; page <= id + header.overflow; page++)
      if (!seen.add(page)) throw this.damaged(page, 0, 'two pages refer to it');
    const bytes =
      header.overflow === 0 ? first : await this.#bytes(id * pageBytes, (header.overflow + 1) * pageBytes);
    return { header, bytes };
  }

  async #bytes(offset: number, length: number): Promise<Buffer> {
    const block = Math.floor(offset / BLOCK_BYTES);
    const from = offset - block * BLOCK_BYTES;
    if (from + length <= BLOCK_BYTES) return (await this.#block(block)).subarray(from, from + length);
    return asBuffer(await this.#file.read(offset, length));
  }

  async #block(block: number): Promise<Buffer> {
    let bytes = this.#blocks.get(block);
    this.#blocks.delete(block);
    bytes ??= asBuffer(await this.#file.read(block * BLOCK_BYTES, BLOCK_BYTES));
    // Last in the order of the map: the one used least recently is the first.
    this.#blocks.set(block, bytes);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > BLOCKS_KEPT && oldest !== undefined) this.#blocks.delete(oldest);
    return bytes;
  }
}

/**
 * Of the two meta pages the newer valid one. The second lies one page behind the first, and only they say how
 * large a page is: where the first is damaged, all sizes are tried.
 */
async function newestMeta(file: DiskFile, path: string): Promise<Meta> {
  const first = decodeMeta(asBuffer(await file.read(0, META_BYTES)));
  const why = typeof first === 'string' ? first : '';
  const found = typeof first === 'string' ? [] : [first];
  for (const size of typeof first === 'string' ? pageSizes() : [first.pageBytes]) {
    const second = decodeMeta(asBuffer(await file.read(size, META_BYTES)));
    if (typeof second !== 'string' && second.pageBytes === size) found.push(second);
  }
  const [newest] = found.sort((a, b) => (a.txid > b.txid ? -1 : 1));
  const at = { page: 0, offset: PAGE_HEADER_BYTES };
  if (newest === undefined) throw new DatabaseDamagedError(path, at, `no valid meta page: ${why}`);
  const { pageBytes } = newest;
  if (pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX)
    throw new DatabaseDamagedError(path, at, `pages of ${pageBytes} bytes`);
  return newest;
}

function pageSizes(): number[] {
  const sizes: number[] = [];
  for (let size = PAGE_BYTES_MIN; size <= PAGE_BYTES_MAX; size *= 2) sizes.push(size);
  return sizes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
