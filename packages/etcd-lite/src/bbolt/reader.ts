import { type DiskFile, errorMessage } from '@kubelab/component-base';
import {
  BUCKET_ENTRY,
  BUCKET_HEADER_BYTES,
  ELEMENT_BYTES,
  PAGE_HEADER_BYTES,
  PAGE_TYPES,
  readPageHeader,
} from './format.ts';
import { DatabaseDamagedError, PageFile } from './page-file.ts';

export { DatabaseDamagedError };

/** A view into the file's pages: whoever keeps it copies it. */
export interface DatabaseEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A page's worth of a bucket. */
export interface DatabaseLeaf {
  readonly entries: readonly DatabaseEntry[];
  /** What is wrong with entry `at`, with the place where it lies. */
  damaged(at: number, why: string): DatabaseDamagedError;
  /** What `decode` makes of entry `at`; where that throws, the entry is damaged. */
  decode<T>(at: number, decode: () => T): T;
}

interface Element extends DatabaseEntry {
  readonly isBucket: boolean;
  /** Of a branch: the page below. */
  readonly child: number;
}

/** Where a bucket's entries are: a page of its own, or a page within the entry of `parent` that names it. */
type BucketRoot = { readonly page: number; readonly inline?: Buffer };

/** Two children a branch at least: this would be more pages than there are. */
const DEPTH_MAX = 48;

/** Bounds that the page above sets: `from <= key < to`. */
interface Bounds {
  readonly from?: Buffer | undefined;
  readonly to?: Buffer | undefined;
}

/**
 * Reads a bbolt file bucket by bucket, and trusts nothing in it: page numbers, lengths, the order of keys and
 * that each page has one parent are checked on the way.
 * Invariants
 *   BOLT-1  what is given out lies in the file as bbolt would read it; anything else is a `DatabaseDamagedError`
 */
export class DatabaseReader {
  readonly #pages: PageFile;
  readonly #buckets: ReadonlyMap<string, BucketRoot>;

  private constructor(pages: PageFile, buckets: ReadonlyMap<string, BucketRoot>) {
    this.#pages = pages;
    this.#buckets = buckets;
  }

  /** `size`: bytes of the file that count; default: all. */
  static async open(file: DiskFile, path: string, size?: number): Promise<DatabaseReader> {
    const pages = await PageFile.open(file, path, size ?? (await file.size()));
    const buckets = new Map<string, BucketRoot>();
    for await (const { page, elements } of leaves(pages, pages.meta.root, 0)) {
      for (const { key, value, isBucket } of elements) {
        if (isBucket) buckets.set(key.toString('latin1'), bucketRoot(pages, page, value));
      }
    }
    return new DatabaseReader(pages, buckets);
  }

  /** Of a page; and of all pages in use. */
  get pageBytes(): number {
    return this.#pages.meta.pageBytes;
  }
  get bytes(): number {
    return this.#pages.meta.pageCount * this.pageBytes;
  }
  get bucketNames(): string[] {
    return [...this.#buckets.keys()];
  }

  /** What is wrong with the content, in a place that is not known better. */
  damaged(why: string): DatabaseDamagedError {
    return this.#pages.damaged(this.#pages.meta.root, 0, why);
  }

  /** By ascending key; nothing when there is no such bucket. */
  async *leaves(bucket: string): AsyncGenerator<DatabaseLeaf> {
    const root = this.#buckets.get(bucket);
    if (root === undefined) return;
    if (root.inline !== undefined) {
      yield this.#leaf(root.page, elementsOf(this.#pages, root.page, root.inline, {}));
      return;
    }
    for await (const { page, elements } of leaves(this.#pages, root.page, this.#pages.meta.root))
      yield this.#leaf(page, elements);
  }

  #leaf(page: number, entries: readonly DatabaseEntry[]): DatabaseLeaf {
    const damaged = (at: number, why: string): DatabaseDamagedError =>
      this.#pages.damaged(page, PAGE_HEADER_BYTES + at * ELEMENT_BYTES, why);
    return {
      entries,
      damaged,
      decode: (at, decode) => {
        try {
          return decode();
        } catch (error) {
          throw damaged(at, errorMessage(error));
        }
      },
    };
  }
}

interface Walk {
  readonly bounds: Bounds;
  readonly depth: number;
  readonly seen: ReturnType<PageFile['noPages']>;
}

/** The leaves below a page, in order. */
async function* leaves(
  pages: PageFile,
  id: number,
  parent: number,
  { bounds, depth, seen }: Walk = { bounds: {}, depth: 0, seen: pages.noPages() },
): AsyncGenerator<{ readonly page: number; readonly elements: readonly Element[] }> {
  const { header, bytes } = await pages.read(id, parent, seen);
  const elements = elementsOf(pages, id, bytes, bounds);
  if (header.type === PAGE_TYPES.leaf) {
    yield { page: id, elements };
    return;
  }
  if (elements.length === 0) throw pages.damaged(id, 10, 'a branch without children');
  if (depth === DEPTH_MAX) throw pages.damaged(id, 0, `more than ${DEPTH_MAX} levels of branches`);
  for (const [at, { key, child }] of elements.entries())
    yield* leaves(pages, child, id, {
      bounds: { from: key, to: elements[at + 1]?.key ?? bounds.to },
      depth: depth + 1,
      seen,
    });
}

/** Of the page in `bytes`, which is page `id` or lies within it. */
function elementsOf(pages: PageFile, id: number, bytes: Buffer, { from, to }: Bounds): Element[] {
  const { type, count } = readPageHeader(bytes);
  if (PAGE_HEADER_BYTES + count * ELEMENT_BYTES > bytes.length)
    throw pages.damaged(id, 10, `${count} elements do not fit into ${bytes.length} bytes`);
  const elements: Element[] = [];
  let previous = from;
  for (let i = 0; i < count; i++) {
    const at = PAGE_HEADER_BYTES + i * ELEMENT_BYTES;
    const element = type === PAGE_TYPES.leaf ? leafElement(bytes, at) : branchElement(bytes, at);
    if (element === undefined) throw pages.damaged(id, at, `element ${i} reaches beyond its page`);
    const { key } = element;
    // A branch's first key may be smaller than the first below it, but never larger; within a page keys ascend.
    const order = previous === undefined ? 1 : Buffer.compare(key, previous);
    if (order < 0 || (order === 0 && i > 0) || (to !== undefined && Buffer.compare(key, to) >= 0))
      throw pages.damaged(id, at, `the key of element ${i} is out of order`);
    previous = key;
    elements.push(element);
  }
  return elements;
}

function leafElement(bytes: Buffer, at: number): Element | undefined {
  const keyAt = at + bytes.readUInt32LE(at + 4);
  const valueAt = keyAt + bytes.readUInt32LE(at + 8);
  const end = valueAt + bytes.readUInt32LE(at + 12);
  if (end > bytes.length) return undefined;
  const isBucket = (bytes.readUInt32LE(at) & BUCKET_ENTRY) !== 0;
  return { key: bytes.subarray(keyAt, valueAt), value: bytes.subarray(valueAt, end), isBucket, child: 0 };
}

function branchElement(bytes: Buffer, at: number): Element | undefined {
  const keyAt = at + bytes.readUInt32LE(at);
  const end = keyAt + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const child = Number(bytes.readBigUInt64LE(at + 8));
  return { key: bytes.subarray(keyAt, end), value: bytes.subarray(end, end), isBucket: false, child };
}

function bucketRoot(pages: PageFile, parent: number, value: Buffer): BucketRoot {
  if (value.length < BUCKET_HEADER_BYTES) throw pages.damaged(parent, 0, 'a bucket without a root');
  const page = Number(value.readBigUInt64LE(0));
  if (page !== 0) return { page };
  const inline = value.subarray(BUCKET_HEADER_BYTES);
  if (inline.length < PAGE_HEADER_BYTES || readPageHeader(inline).type !== PAGE_TYPES.leaf)
    throw pages.damaged(parent, 0, 'a bucket within its entry that is no leaf');
  return { page: parent, inline };
}
