import assert from 'node:assert/strict';
import { eventually } from '@kubelab/component-base/testing';
import type { GrowingCluster } from './growing-cluster.ts';

/** Writes key after key, and remembers which were acknowledged: none of those may ever be missing. */
export class Ledger {
  readonly #over = new AbortController();
  readonly #acknowledged: string[] = [];
  readonly #done: Promise<void>;
  readonly #cluster: GrowingCluster;

  /** Starts at once. */
  constructor(cluster: GrowingCluster, ...at: string[]) {
    this.#cluster = cluster;
    this.#done = this.#write(at);
  }

  get count(): number {
    return this.#acknowledged.length;
  }

  /** Resolves when some more are acknowledged. */
  async goesOn(): Promise<void> {
    const before = this.count;
    await eventually('writes go on', () => this.count > before + 20, 20_000);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  /** Reads at this member, from a state that a quorum agrees on. */
  async requireAll(at: string): Promise<void> {
    const text = await this.#cluster.etcdctl(at, 'get', '--keys-only', '--prefix', 'w');
    const found = new Set(text.split(/\n+/));
    const missing = this.#acknowledged.filter((key) => !found.has(key));
    assert.deepEqual(missing, [], `acknowledged and gone at ${at}`);
  }

  async #write(at: readonly string[]): Promise<void> {
    const client = this.#cluster.client(...at);
    for (let i = 0; !this.#over.signal.aborted; i++) {
      const key = `w${String(i).padStart(6, '0')}`;
      try {
        await client.put({ key: Buffer.from(key), value: Buffer.from('v') }, { timeoutMs: 2000 });
        this.#acknowledged.push(key);
      } catch {
        // Not acknowledged: it may be there or not.
      }
    }
    client.close();
  }
}
