import { assert } from '@kubelab/component-base';
import { EMPTY_BYTES } from '@kubelab/rpc';
import type { KeyValue, LeaseId } from '@kubelab/rpc/etcd';
import type { KeyText } from './keys.ts';

/**
 * One change of one key. It is a `KeyValue` as the wire wants it, so that answers need no copying; `version`
 * 0 is a deletion (a tombstone), with nothing but the key and its revision.
 */
export interface KeyVersion extends KeyValue {
  /** Order of the changes within one revision. */
  readonly sub: number;
  readonly history: KeyHistory;
}

/** All that is kept of one key: its versions by ascending revision. */
export class KeyHistory {
  readonly text: KeyText;
  readonly key: Uint8Array;
  versions: KeyVersion[] = [];

  constructor(text: KeyText, key: Uint8Array) {
    this.text = text;
    this.key = key;
  }

  /** The key as it was at `revision`; undefined where it did not exist. */
  at(revision: number): KeyVersion | undefined {
    const { versions } = this;
    // Nearly all reads are of the newest.
    for (let i = versions.length - 1; i >= 0; i--) {
      const version = versions[i];
      if (version !== undefined && version.modRevision <= revision)
        return isTombstone(version) ? undefined : version;
    }
    return undefined;
  }

  get latest(): KeyVersion | undefined {
    return this.versions.at(-1);
  }

  /**
   * What the key was before `version`: for `prev_kv`. Undefined for a creation, and where compaction took it.
   */
  before(version: KeyVersion): KeyVersion | undefined {
    const previous = this.versions[this.versions.lastIndexOf(version) - 1];
    return previous === undefined || isTombstone(previous) ? undefined : previous;
  }

  append(version: KeyVersion): void {
    const { latest } = this;
    assert(latest === undefined || latest.modRevision < version.modRevision, 'MVCC-1', this.text);
    this.versions.push(version);
  }

  /**
   * Forgets what no read at `revision` or later can see. A tombstone goes too, unless it is of this very
   * revision: a watch may still start here and must see the deletion. True when nothing is left.
   */
  compact(revision: number): boolean {
    const { versions } = this;
    let keepFrom = 0;
    while ((versions[keepFrom + 1]?.modRevision ?? Number.POSITIVE_INFINITY) <= revision) keepFrom++;
    const first = versions[keepFrom];
    if (first !== undefined && isTombstone(first) && first.modRevision < revision) keepFrom++;
    // A new array: whoever iterates the old one (a checkpoint, a catching-up watch) is not disturbed.
    if (keepFrom > 0) this.versions = versions.slice(keepFrom);
    return this.versions.length === 0;
  }

  /** The version that a put at `revision` makes. */
  put(revision: number, sub: number, value: Uint8Array, lease: LeaseId): KeyVersion {
    const { latest } = this;
    const previous = latest !== undefined && !isTombstone(latest) ? latest : undefined;
    return {
      key: this.key,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
      value,
      lease,
      sub,
      history: this,
    };
  }

  tombstone(revision: number, sub: number): KeyVersion {
    return {
      key: this.key,
      createRevision: 0,
      modRevision: revision,
      version: 0,
      value: EMPTY_BYTES,
      lease: 0,
      sub,
      history: this,
    };
  }
}

export function isTombstone(version: KeyVersion): boolean {
  return version.version === 0;
}
