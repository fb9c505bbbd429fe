import type { BucketSource } from '../bbolt/writer.ts';
import { crc32c } from '../wal/crc32c.ts';
import { BUCKETS, META_KEYS } from './buckets.ts';

const SLICE_BYTES = 128 * 1024;

/** Not the same on all members at all times. */
const IGNORED: readonly string[] = [META_KEYS.consistentIndex, META_KEYS.term, META_KEYS.storageVersion];

/**
 * etcd's `Hash`: CRC-32C over the names of all buckets and their entries, in order, but for how far the log
 * has come. Yields now and then.
 */
export function* hashBuckets(buckets: readonly BucketSource[]): Generator<undefined, number> {
  let hash = 0;
  let bytes = 0;
  let scratch = Buffer.alloc(SLICE_BYTES);
  for (const bucket of buckets.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    hash = crc32c(bucket.name, hash);
    const isMeta = Buffer.from(bucket.name).toString() === BUCKETS.meta;
    for (let at = 0; at < bucket.count; at++) {
      if (isMeta && IGNORED.includes(Buffer.from(bucket.key(at)).toString())) continue;
      const size = bucket.keySize(at) + bucket.valueSize(at);
      if (size > scratch.length) scratch = Buffer.alloc(size);
      bucket.write(at, scratch, 0);
      hash = crc32c(scratch.subarray(0, size), hash);
      bytes += size;
      if (bytes < SLICE_BYTES) continue;
      bytes = 0;
      yield;
    }
  }
  return hash;
}
