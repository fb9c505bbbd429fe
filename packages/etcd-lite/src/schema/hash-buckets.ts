import type { BucketSource } from '../bbolt/writer.ts';
import { RunningHash } from '../core/running-hash.ts';
import { BUCKETS, META_KEYS } from './buckets.ts';

/** Not the same on all members at all times. */
const IGNORED: readonly string[] = [META_KEYS.consistentIndex, META_KEYS.term, META_KEYS.storageVersion];

/**
 * etcd's `Hash`: CRC-32C over the names of all buckets and their entries, in order, but for how far the log
 * has come. Yields now and then.
 */
export function* hashBuckets(buckets: readonly BucketSource[]): Generator<undefined, number> {
  const hash = new RunningHash();
  for (const bucket of buckets.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const { name, count } = bucket;
    hash.add(name.length, (target, offset) => target.set(name, offset));
    const isMeta = Buffer.from(name).toString() === BUCKETS.meta;
    for (let at = 0; at < count; at++) {
      if (isMeta && IGNORED.includes(Buffer.from(bucket.key(at)).toString())) continue;
      const size = bucket.keySize(at) + bucket.valueSize(at);
      if (hash.add(size, (target, offset) => bucket.write(at, target, offset))) yield;
    }
  }
  return hash.end();
}
