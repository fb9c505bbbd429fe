import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PutRequest, RangeResponse } from './etcd/messages.ts';
import { loadProto } from './proto.ts';

const proto = loadProto('etcd');
const put = proto.message<PutRequest>('etcdserverpb.PutRequest');

const integers = [
  0,
  1,
  127,
  128,
  2 ** 28,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 49,
  2 ** 53 - 1,
  2n ** 53n,
  2n ** 63n - 1n,
  -1,
  -(2n ** 63n),
];
for (const lease of integers) {
  test(`RPC-1 a 64-bit ${lease} comes back as it went, in the one form that is exact`, () => {
    assert.equal(put.decode(put.encode({ lease })).lease, lease);
  });
}

test('fields that are not on the wire have their zero values', () => {
  const range = proto.message<RangeResponse>('etcdserverpb.RangeResponse').decode(Buffer.alloc(0));
  assert.deepEqual(
    { header: range.header, kvs: [...range.kvs], more: range.more, count: range.count },
    { header: null, kvs: [], more: false, count: 0 },
  );
  assert.equal(put.decode(Buffer.alloc(0)).key.length, 0);
});

test('bytes are slices of the message', () => {
  const wire = put.encode({ value: Buffer.from('abc') });
  assert.equal(put.decode(wire).value.buffer, wire.buffer);
});
