import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { BEYOND_ALL_KEYS } from './keys.ts';
import { MvccStore } from './mvcc-store.ts';
import { type Slab, Slabs, type Tenant } from './slabs.ts';

/** Bytes of one value, repeated. */
class Block implements Tenant {
  slab: Slab;
  at: number;
  isWanted = true;
  readonly wireLength: number;
  readonly #slabs: Slabs;

  constructor(slabs: Slabs, length: number, value: number) {
    this.#slabs = slabs;
    this.wireLength = length;
    this.slab = slabs.roomFor(length);
    this.at = this.slab.used;
    this.slab.bytes.fill(value, this.at, this.at + length);
    this.slab.adopt(this);
  }

  get content(): Buffer {
    return this.slab.bytes.subarray(this.at, this.at + this.wireLength);
  }
  isKept(): boolean {
    return this.isWanted;
  }
  moveTo(slab: Slab): void {
    this.content.copy(slab.bytes, slab.used);
    this.slab = slab;
    this.at = slab.used;
  }
  drop(): void {
    this.isWanted = false;
    this.#slabs.release(this.slab, this.wireLength);
  }
}

test('what stays keeps its bytes, and slabs do not stay for a few leftovers', () => {
  const slabs = new Slabs();
  const random = seededRandom(1);
  const blocks = Array.from({ length: 5000 }, (_, i) => new Block(slabs, 100 + random.int(1000), i % 256));
  const kept = blocks.filter((block, i) => {
    if (i % 10 === 0) return true;
    block.drop();
    return false;
  });
  while (slabs.isSparse) slabs.moveOne();
  for (const block of kept) assert.ok(block.content.every((byte) => byte === blocks.indexOf(block) % 256));
  const held = new Set(kept.map(({ slab }) => slab))
    .values()
    .reduce((sum, { bytes }) => sum + bytes.length, 0);
  const live = kept.reduce((sum, { wireLength }) => sum + wireLength, 0);
  assert.ok(held < 2 * live + 512 * 1024, `${held} bytes for ${live}`);
});

test('a store reads the same before, while and after it is swept', () => {
  const store = new MvccStore();
  const random = seededRandom(2);
  for (let i = 0; i < 3000; i++) {
    const txn = store.begin();
    txn.put(`k${random.int(200)}`, Buffer.alloc(500 + random.int(1000), i % 256), i % 7);
    txn.commit();
  }
  const dump = (): unknown[] =>
    store
      .range({ start: '', end: BEYOND_ALL_KEYS }, 0)
      .kvs.map(({ history, modRevision, version, lease, value }) => [
        [history.text, modRevision, version, lease],
        Buffer.from(value).toString('hex'),
      ]);
  const before = dump();
  store.compact(store.revision);
  for (let slice = 0; store.sweep(); slice++) if (slice % 5 === 0) assert.deepEqual(dump(), before);
  assert.deepEqual(dump(), before);
  assert.equal(store.isSweepDue, false);
});
