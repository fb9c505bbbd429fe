import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProto } from '@kubelab/rpc';
import type { KeyValue } from '@kubelab/rpc/etcd';
import fc from 'fast-check';
import { KeyHistory } from './key-history.ts';
import { KeyVersion } from './key-version.ts';
import { keyText } from './keys.ts';
import { Slab, Slabs } from './slabs.ts';
import { readKeyValue } from './wire-key-value.ts';

const codec = loadProto('etcd').message<KeyValue>('mvccpb.KeyValue');
const bytes = (min: number) =>
  fc.uint8Array({ minLength: min, maxLength: 300 }).map((each) => Buffer.from(each));
const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const keyValue = fc.record({
  key: bytes(1),
  createRevision: count,
  modRevision: count,
  version: count,
  value: bytes(0),
  lease: fc.oneof(count, fc.bigInt(2n ** 53n, 2n ** 63n - 1n), fc.integer({ max: -1 })),
});

test('a version lies in memory as protobuf has it, and is read back from there', () => {
  const slabs = new Slabs();
  fc.assert(
    fc.property(keyValue, (generated) => {
      const given = { ...generated };
      const history = new KeyHistory(keyText(given.key));
      const written = KeyVersion.write(history, { ...given, sub: 3 }, given.value, slabs);
      assert.deepEqual(Buffer.from(written.wire), codec.encode(given));
      assert.deepEqual(codec.encode(written), codec.encode(given));
      assert.deepEqual(fieldsOf(codec.decode(written.wire)), given);

      const slab = new Slab(Buffer.concat([Buffer.from('before'), written.wire]));
      const adopted = KeyVersion.adopt(history, readKeyValue(slab.bytes.subarray(6)), 3, slab);
      assert.deepEqual(fieldsOf(adopted), given);
      assert.deepEqual([adopted.sub, adopted.valueLength], [3, given.value.length]);
    }),
  );
});

test('what is no key with its value is refused', () => {
  for (const wrong of ['', '0a', '0a0161ff', '0a0561', '2a0161', '0a01611080808080808080808080808001'])
    assert.throws(() => readKeyValue(Buffer.from(wrong, 'hex')), RangeError);
});

function fieldsOf({ key, createRevision, modRevision, version, value, lease }: KeyValue): KeyValue {
  return { key: Buffer.from(key), createRevision, modRevision, version, value: Buffer.from(value), lease };
}
