/**
 * bbolt's file format, the one that etcd keeps its state in: a B+tree in pages of one size, that only ever
 * grows by copies, with two "meta" pages in front of which the newer valid one counts. All numbers are
 * little-endian (bbolt writes structs as they lie in memory; nobody runs etcd on a big-endian machine).
 */
export const MAGIC = 0xed0cdaed;
export const VERSION = 2;
/** What Go takes on x86 and arm; a file may have another, and says so. */
export const PAGE_BYTES = 4096;

/** id u64, type u16, elements u16, pages that follow and belong to it u32. */
export const PAGE_HEADER_BYTES = 16;
/** Of a leaf: flags, position, key and value length, u32 each. Of a branch: position, key length u32, page u64. */
export const ELEMENT_BYTES = 16;
/** The value of a bucket's entry: root page u64 (0: the root page follows right here), sequence u64. */
export const BUCKET_HEADER_BYTES = 16;
/** Flag of a leaf's element whose value is a bucket. */
export const BUCKET_ENTRY = 1;

export const PAGE_TYPES = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;

export interface PageHeader {
  readonly id: number;
  readonly type: number;
  readonly count: number;
  /** Pages after the first that belong to it. */
  readonly overflow: number;
}

export function writePageHeader(target: Buffer, header: PageHeader, at = 0): void {
  target.writeBigUInt64LE(BigInt(header.id), at);
  target.writeUInt16LE(header.type, at + 8);
  target.writeUInt16LE(header.count, at + 10);
  target.writeUInt32LE(header.overflow, at + 12);
}

export function readPageHeader(page: Buffer, at = 0): PageHeader {
  return {
    id: Number(page.readBigUInt64LE(at)),
    type: page.readUInt16LE(at + 8),
    count: page.readUInt16LE(at + 10),
    overflow: page.readUInt32LE(at + 12),
  };
}

export interface Meta {
  readonly pageBytes: number;
  /** Root page of the bucket that holds all buckets. */
  readonly root: number;
  /** Page of the list of free pages; all ones: none was written. */
  readonly freelist: bigint;
  /** Pages in use: all ids are below. */
  readonly pageCount: number;
  readonly txid: bigint;
}

/** From the page's start: a page header, then these fields and their checksum. */
export const META_BYTES = PAGE_HEADER_BYTES + 64;
const CHECKSUM_AT = PAGE_HEADER_BYTES + 56;

/** Into a page of zeroes. */
export function writeMeta(page: Buffer, id: number, meta: Meta): void {
  writePageHeader(page, { id, type: PAGE_TYPES.meta, count: 0, overflow: 0 });
  let at = page.writeUInt32LE(MAGIC, PAGE_HEADER_BYTES);
  at = page.writeUInt32LE(VERSION, at);
  at = page.writeUInt32LE(meta.pageBytes, at);
  at = page.writeUInt32LE(0, at);
  // The root bucket: its page, and a sequence that nobody counts with.
  at = page.writeBigUInt64LE(BigInt(meta.root), at);
  at = page.writeBigUInt64LE(0n, at);
  at = page.writeBigUInt64LE(meta.freelist, at);
  at = page.writeBigUInt64LE(BigInt(meta.pageCount), at);
  at = page.writeBigUInt64LE(meta.txid, at);
  page.writeBigUInt64LE(fnv64a(page.subarray(PAGE_HEADER_BYTES, CHECKSUM_AT)), at);
}

/** The meta page that begins at the start of `page`, or what is wrong with it. */
export function decodeMeta(page: Buffer): Meta | string {
  if (page.length < META_BYTES) return 'the file is too short for a meta page';
  const at = PAGE_HEADER_BYTES;
  if (page.readUInt32LE(at) !== MAGIC) return 'this is not a bbolt file (wrong magic number)';
  const version = page.readUInt32LE(at + 4);
  if (version !== VERSION) return `format version ${version} is not known here, only ${VERSION}`;
  if (page.readBigUInt64LE(CHECKSUM_AT) !== fnv64a(page.subarray(at, CHECKSUM_AT)))
    return 'the checksum of the meta page does not match';
  return {
    pageBytes: page.readUInt32LE(at + 8),
    root: Number(page.readBigUInt64LE(at + 16)),
    freelist: page.readBigUInt64LE(at + 32),
    pageCount: Number(page.readBigUInt64LE(at + 40)),
    txid: page.readBigUInt64LE(at + 48),
  };
}

/** FNV-1a of 64 bits. */
export function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
