import type { LeaseId } from '@kubelab/rpc/etcd';
import type { KeyVersion } from './key-version.ts';
import type { KeyRange, KeyText } from './keys.ts';
import type { MvccStore, RangeResult } from './mvcc-store.ts';

/** The writes of one applied request: all of one revision. */
export class MvccTxn {
  readonly #store: MvccStore;
  readonly #revision: number;
  readonly #changes: KeyVersion[] = [];

  constructor(store: MvccStore, revision: number) {
    this.#store = store;
    this.#revision = revision;
  }

  /** What reads inside see: the writes so far included. */
  get revision(): number {
    return this.#changes.length > 0 ? this.#revision : this.#revision - 1;
  }
  /** That of the writes. */
  get writeRevision(): number {
    return this.#revision;
  }
  get changes(): readonly KeyVersion[] {
    return this.#changes;
  }

  get(key: KeyText): KeyVersion | undefined {
    return this.#store.get(key, this.revision);
  }

  range(range: KeyRange, revision = 0, limit = 0): RangeResult {
    return this.#store.range(range, revision, limit, this.revision);
  }

  put(key: KeyText, value: Uint8Array, lease: LeaseId): KeyVersion {
    const sub = this.#changes.length;
    const version = this.#store.put(key, value, lease, this.#revision, sub);
    this.#changes.push(version);
    return version;
  }

  /** The versions that were there. */
  deleteRange(range: KeyRange): KeyVersion[] {
    const { kvs } = this.range(range);
    for (const { history } of kvs) {
      const sub = this.#changes.length;
      this.#changes.push(this.#store.bury(history, this.#revision, sub));
    }
    return kvs;
  }

  /** Makes the changes visible. The store's revision moves only if there are any. */
  commit(): void {
    if (this.#changes.length > 0) this.#store.finish(this.#revision, this.#changes);
  }
}
