import type { KeyHistory } from './key-history.ts';
import type { KeyVersion } from './key-version.ts';
import type { MvccStore } from './mvcc-store.ts';

/** Between two yields: histories looked at, versions sorted, versions moved. Each takes well below 2 ms. */
const SLICE_KEYS = 128;
const RUN_VERSIONS = 1024;
const SLICE_VERSIONS = 4096;

/**
 * The versions that `select` takes of each key's, in the order in which they were written. The store lies in
 * the order of keys, so this sorts. It yields now and then, so that other work can go on; compaction waits
 * until the last key has been seen, and versions newer than the first step are for `select` to leave out.
 */
export function* versionsByRevision(
  store: MvccStore,
  select: (history: KeyHistory) => Iterable<KeyVersion>,
): Generator<undefined, KeyVersion[]> {
  const versions: KeyVersion[] = [];
  for (const slice of store.walk(SLICE_KEYS)) {
    // One by one: a key may have more versions than a call can have arguments.
    for (const history of slice) for (const version of select(history)) versions.push(version);
    yield;
  }
  return yield* sortByRevision(versions);
}

/** Sorts in slices. */
export function* sortByRevision(versions: readonly KeyVersion[]): Generator<undefined, KeyVersion[]> {
  let runs: KeyVersion[][] = [];
  for (let at = 0; at < versions.length; at += RUN_VERSIONS) {
    runs.push(versions.slice(at, at + RUN_VERSIONS).sort(byRevision));
    yield;
  }
  while (runs.length > 1) {
    const merged: KeyVersion[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(yield* merge(runs[i] ?? [], runs[i + 1] ?? []));
      yield;
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function byRevision(a: KeyVersion, b: KeyVersion): number {
  return a.modRevision - b.modRevision || a.sub - b.sub;
}

function* merge(a: readonly KeyVersion[], b: readonly KeyVersion[]): Generator<undefined, KeyVersion[]> {
  const merged: KeyVersion[] = [];
  for (let i = 0, j = 0; ; ) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && (right === undefined || byRevision(left, right) < 0)) {
      merged.push(left);
      i++;
    } else if (right !== undefined) {
      merged.push(right);
      j++;
    } else return merged;
    if (merged.length % SLICE_VERSIONS === 0) yield;
  }
}
