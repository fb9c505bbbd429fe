import { assert } from '@kubelab/component-base';
import { isTombstone, type KeyVersion } from './key-version.ts';
import type { KeyText } from './keys.ts';

export { isTombstone, type KeyVersion };

/**
 * All that is kept of one key: its versions, from the newest back. Most keys have one or two: a chain costs
 * nothing but the links.
 */
export class KeyHistory {
  readonly text: KeyText;
  latest: KeyVersion | undefined = undefined;

  constructor(text: KeyText) {
    this.text = text;
  }

  /** The key exists now. */
  get isLive(): boolean {
    return this.latest !== undefined && !isTombstone(this.latest);
  }

  /** By ascending revision. */
  get versions(): KeyVersion[] {
    const versions: KeyVersion[] = [];
    for (let each = this.latest; each !== undefined; each = each.previous) versions.push(each);
    return versions.reverse();
  }

  /** The key as it was at `revision`; undefined where it did not exist. */
  at(revision: number): KeyVersion | undefined {
    // Nearly all reads are of the newest.
    let version = this.latest;
    while (version !== undefined && version.modRevision > revision) version = version.previous;
    return version === undefined || isTombstone(version) ? undefined : version;
  }

  append(version: KeyVersion): void {
    const { latest } = this;
    assert(latest === undefined || latest.modRevision < version.modRevision, 'MVCC-1', this.text);
    version.previous = latest;
    this.latest = version;
  }

  /** What a read or a watch at `revision` or later may need, by ascending revision. */
  keptAt(revision: number): KeyVersion[] {
    const kept: KeyVersion[] = [];
    for (let each = this.latest; each !== undefined; each = each.previous) {
      if (each.modRevision > revision) {
        kept.push(each);
        continue;
      }
      if (isNeededAt(each, revision)) kept.push(each);
      break;
    }
    return kept.reverse();
  }

  /** Forgets what `keptAt` would leave out; returns that, the newest first. */
  compact(revision: number): KeyVersion[] {
    let later: KeyVersion | undefined;
    let first = this.latest;
    while (first !== undefined && first.modRevision > revision) {
      later = first;
      first = first.previous;
    }
    if (first !== undefined && isNeededAt(first, revision)) {
      later = first;
      first = first.previous;
    }
    if (later === undefined) this.latest = undefined;
    else later.previous = undefined;
    const dropped: KeyVersion[] = [];
    for (let each = first; each !== undefined; each = each.previous) dropped.push(each);
    return dropped;
  }
}

/**
 * Of the versions up to `revision` the newest is what reads see. A tombstone is as good as nothing, unless it
 * is of this very revision: a watch may still start here and must see the deletion.
 */
function isNeededAt(newest: KeyVersion, revision: number): boolean {
  return !isTombstone(newest) || newest.modRevision === revision;
}
