import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Init, loadProto } from '@kubelab/rpc';
import { bytesOf, type RequestOp, type TxnRequest } from '@kubelab/rpc/etcd';
import { checkTxn } from './check-request.ts';

const codec = loadProto('etcd').message<TxnRequest>('etcdserverpb.TxnRequest');
const put: Init<RequestOp> = { requestPut: { key: bytesOf('k') } };
const del: Init<RequestOp> = { requestDeleteRange: { key: bytesOf('a'), rangeEnd: bytesOf('z') } };
const nested = (...success: Init<RequestOp>[]): Init<RequestOp> => ({ requestTxn: { success } });
const either = (one: Init<RequestOp>, other: Init<RequestOp>): Init<RequestOp> => ({
  requestTxn: { success: [one], failure: [other] },
});

/** All of these would give the key two versions in one revision. */
const REFUSED: readonly [string, Init<RequestOp>[]][] = [
  ['puts it twice', [put, put]],
  ['puts and deletes it', [put, del]],
  ['puts it, and once more in a nested one', [nested(put), put]],
  ['puts it, and deletes it in a nested one', [put, nested(del)]],
  ['deletes it in one nested transaction and puts it in the next', [nested(del), nested(put)]],
  ['puts it in one nested transaction and deletes it in the next', [nested(put), nested(del)]],
  ['does so further down', [nested(nested(put)), nested(either(put, del))]],
];
const TAKEN: readonly [string, Init<RequestOp>[]][] = [
  ['puts it in one branch and deletes it in the other', [either(put, del)]],
  ['deletes it twice', [del, nested(del)]],
];

describe('MVCC-1 a transaction', () => {
  const check = (success: Init<RequestOp>[]) => checkTxn(codec.decode(codec.encode({ success })));
  for (const [what, ops] of REFUSED)
    test(`that ${what} is refused`, () => assert.throws(() => check(ops), /duplicate key given/));
  for (const [what, ops] of TAKEN) test(`that ${what} is taken`, () => check(ops));
});
