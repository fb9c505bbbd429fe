import {
  BUCKET_ENTRY,
  BUCKET_HEADER_BYTES,
  ELEMENT_BYTES,
  PAGE_BYTES,
  PAGE_HEADER_BYTES,
  PAGE_TYPES,
  writeMeta,
  writePageHeader,
} from './format.ts';

/**
 * What a bucket holds, in ascending order of keys. Each entry is asked for twice, by its place: for its size
 * when the file is laid out, and for its bytes when its page is written.
 */
export interface BucketSource {
  readonly name: Uint8Array;
  readonly count: number;
  keySize(at: number): number;
  valueSize(at: number): number;
  key(at: number): Uint8Array;
  /** Writes key and value, one after the other. */
  write(at: number, target: Buffer, offset: number): void;
}

/** All pages of one level of a tree, leaves being level 0. */
interface Level {
  readonly isLeaf: boolean;
  /** By node, its first child (an entry, or a node of the level below); then the number of children. */
  readonly starts: readonly number[];
  /** By node, the id of its first page; then the first id after the level. */
  readonly pages: readonly number[];
}

interface Tree {
  readonly source: BucketSource;
  readonly levels: readonly Level[];
  readonly root: number;
}

/** Where everything will lie: known before the first byte is written. */
export interface Plan {
  readonly trees: readonly Tree[];
  readonly root: number;
  readonly pageCount: number;
  readonly bytes: number;
}

/** Entries looked at between two yields. */
const SLICE_ENTRIES = 512;
const FREELIST_PAGE = 2;
/** bbolt's: a bucket of up to this size lies within its entry in the root bucket. */
const INLINE_BYTES_MAX = PAGE_BYTES / 4;
/** bbolt's: fewer would make trees of large keys that never get narrower. */
const BRANCH_CHILDREN_MIN = 2;

/**
 * Lays a file with these buckets out. Yields now and then, so that other work can go on; takes memory in the
 * number of pages, not of entries.
 */
export function* planDatabase(buckets: readonly BucketSource[]): Generator<undefined, Plan> {
  let next = FREELIST_PAGE + 1;
  const trees: Tree[] = [];
  const rootEntries: [Uint8Array, Uint8Array][] = [];
  for (const source of buckets) {
    const inline = inlineBucket(source);
    if (inline === undefined) {
      const tree = yield* planTree(source, next);
      next = endOf(tree);
      trees.push(tree);
      rootEntries.push([source.name, bucketHeader(tree.root)]);
    } else {
      rootEntries.push([source.name, inline]);
    }
  }
  const root = yield* planTree(bucketOf('', rootEntries), next);
  next = endOf(root);
  return { trees: [...trees, root], root: root.root, pageCount: next, bytes: next * PAGE_BYTES };
}

/**
 * The file from its first byte to its last, in pieces of `pieceBytes` (whole pages); the last may be shorter.
 * Each piece is a buffer of its own.
 */
export function* piecesOf(plan: Plan, pieceBytes: number): Generator<Buffer> {
  let left = plan.bytes;
  let piece = Buffer.alloc(Math.min(pieceBytes, left));
  let used = 0;
  for (const { bytes, write } of nodesOf(plan)) {
    // Nearly all fit: then they are written where they belong.
    const isWhole = used + bytes <= piece.length;
    const node = isWhole ? piece.subarray(used, used + bytes) : Buffer.alloc(bytes);
    write(node);
    for (let done = 0; done < bytes; ) {
      const taken = Math.min(bytes - done, piece.length - used);
      if (!isWhole) node.copy(piece, used, done, done + taken);
      done += taken;
      used += taken;
      if (used < piece.length) continue;
      yield piece;
      left -= used;
      piece = Buffer.alloc(Math.min(pieceBytes, left));
      used = 0;
    }
  }
}

/** What lies side by side in the file, in order: pages with those that belong to them. */
interface Node {
  readonly bytes: number;
  /** Into zeroes. */
  readonly write: (target: Buffer) => void;
}

function* nodesOf({ root, pageCount, trees }: Plan): Generator<Node> {
  const meta = { pageBytes: PAGE_BYTES, root, freelist: BigInt(FREELIST_PAGE), pageCount };
  yield { bytes: PAGE_BYTES, write: (target) => writeMeta(target, 0, { ...meta, txid: 2n }) };
  yield { bytes: PAGE_BYTES, write: (target) => writeMeta(target, 1, { ...meta, txid: 1n }) };
  const freelist = { id: FREELIST_PAGE, type: PAGE_TYPES.freelist, count: 0, overflow: 0 };
  yield { bytes: PAGE_BYTES, write: (target) => writePageHeader(target, freelist) };
  for (const [at, tree] of trees.entries()) {
    // The last tree is the root bucket: its entries are buckets.
    const flags = at === trees.length - 1 ? BUCKET_ENTRY : 0;
    for (const [depth, level] of tree.levels.entries()) {
      for (let node = 0; node < level.starts.length - 1; node++) {
        const span = spanOf(level, node);
        const bytes = (1 + span.overflow) * PAGE_BYTES;
        if (level.isLeaf) yield { bytes, write: (target) => writeLeaf(tree.source, target, span, flags) };
        else yield { bytes, write: (target) => writeBranch(tree, depth, target, span) };
      }
    }
  }
}

/** A small bucket from its entries, in any order. */
export function bucketOf(
  name: string,
  entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
): BucketSource {
  const sorted = [...entries].sort(([a], [b]) => Buffer.compare(a, b));
  const keyAt = (at: number): Uint8Array => sorted[at]?.[0] ?? NOTHING;
  const valueAt = (at: number): Uint8Array => sorted[at]?.[1] ?? NOTHING;
  return {
    name: Buffer.from(name),
    count: sorted.length,
    keySize: (at) => keyAt(at).length,
    valueSize: (at) => valueAt(at).length,
    key: keyAt,
    write: (at, target, offset) => {
      target.set(keyAt(at), offset);
      target.set(valueAt(at), offset + keyAt(at).length);
    },
  };
}

const NOTHING = new Uint8Array(0);

function* planTree(source: BucketSource, firstPage: number): Generator<undefined, Tree> {
  const levels: Level[] = [];
  const entrySize = (at: number): number => source.keySize(at) + source.valueSize(at);
  let level = yield* planLevel(true, source.count, entrySize, firstPage);
  levels.push(level);
  while (level.starts.length > 2) {
    const depth = levels.length - 1;
    const keySize = (at: number): number => source.keySize(firstEntry(levels, depth, at));
    level = yield* planLevel(false, level.starts.length - 1, keySize, level.pages.at(-1) ?? 0);
    levels.push(level);
  }
  return { source, levels, root: level.pages[0] ?? 0 };
}

/** Fills nodes one after the other; what is larger than a page gets a node of several. */
function* planLevel(
  isLeaf: boolean,
  count: number,
  sizeOf: (at: number) => number,
  firstPage: number,
): Generator<undefined, Level> {
  const starts = [0];
  const pages = [firstPage];
  const childrenMin = isLeaf ? 1 : BRANCH_CHILDREN_MIN;
  let bytes = PAGE_HEADER_BYTES;
  let next = firstPage;
  for (let at = 0; at < count; at++) {
    const size = ELEMENT_BYTES + sizeOf(at);
    if (bytes + size > PAGE_BYTES && at - (starts.at(-1) ?? 0) >= childrenMin) {
      next += Math.ceil(bytes / PAGE_BYTES);
      starts.push(at);
      pages.push(next);
      bytes = PAGE_HEADER_BYTES;
    }
    bytes += size;
    if (at % SLICE_ENTRIES === SLICE_ENTRIES - 1) yield;
  }
  pages.push(next + Math.ceil(bytes / PAGE_BYTES));
  return { isLeaf, starts: [...starts, count], pages };
}

/** The entry that a node's keys begin with. */
function firstEntry(levels: readonly Level[], depth: number, node: number): number {
  let at = node;
  for (let level = depth; level >= 0; level--) at = levels[level]?.starts[at] ?? 0;
  return at;
}

function endOf({ levels }: Tree): number {
  return levels.at(-1)?.pages.at(-1) ?? 0;
}

function spanOf({ starts, pages }: Level, node: number): Span {
  const id = pages[node] ?? 0;
  const overflow = (pages[node + 1] ?? 0) - id - 1;
  return { id, overflow, from: starts[node] ?? 0, to: starts[node + 1] ?? 0 };
}

/** A node: its pages, and its children. */
interface Span {
  readonly id: number;
  readonly overflow: number;
  readonly from: number;
  readonly to: number;
}

function writeLeaf(
  source: BucketSource,
  page: Buffer,
  { id, overflow, from, to }: Span,
  flags: number,
): void {
  const count = to - from;
  writePageHeader(page, { id, type: PAGE_TYPES.leaf, count, overflow });
  let element = PAGE_HEADER_BYTES;
  let data = element + count * ELEMENT_BYTES;
  for (let at = from; at < to; at++) {
    const keySize = source.keySize(at);
    const valueSize = source.valueSize(at);
    page.writeUInt32LE(flags, element);
    page.writeUInt32LE(data - element, element + 4);
    page.writeUInt32LE(keySize, element + 8);
    page.writeUInt32LE(valueSize, element + 12);
    source.write(at, page, data);
    element += ELEMENT_BYTES;
    data += keySize + valueSize;
  }
}

function writeBranch({ source, levels }: Tree, depth: number, page: Buffer, span: Span): void {
  const { id, overflow, from, to } = span;
  const below = levels[depth - 1]?.pages ?? [];
  const count = to - from;
  writePageHeader(page, { id, type: PAGE_TYPES.branch, count, overflow });
  let element = PAGE_HEADER_BYTES;
  let data = element + count * ELEMENT_BYTES;
  for (let child = from; child < to; child++) {
    const key = source.key(firstEntry(levels, depth - 1, child));
    page.writeUInt32LE(data - element, element);
    page.writeUInt32LE(key.length, element + 4);
    page.writeBigUInt64LE(BigInt(below[child] ?? 0), element + 8);
    page.set(key, data);
    element += ELEMENT_BYTES;
    data += key.length;
  }
}

/** The value of the bucket's entry with the whole bucket in it; undefined: it is too large for that. */
function inlineBucket(source: BucketSource): Buffer | undefined {
  let bytes = PAGE_HEADER_BYTES;
  for (let at = 0; at < source.count; at++) {
    bytes += ELEMENT_BYTES + source.keySize(at) + source.valueSize(at);
    if (bytes > INLINE_BYTES_MAX) return undefined;
  }
  const page = Buffer.alloc(bytes);
  writeLeaf(source, page, { id: 0, overflow: 0, from: 0, to: source.count }, 0);
  return Buffer.concat([bucketHeader(0), page]);
}

function bucketHeader(root: number): Buffer {
  const header = Buffer.alloc(BUCKET_HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(root));
  return header;
}
