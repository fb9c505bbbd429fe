import type { Init } from '@kubelab/rpc';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from '@kubelab/rpc/etcd';
import { isReadOnlyTxn } from './check-request.ts';
import { holds } from './compare.ts';
import { EtcdError } from './errors.ts';
import { keyRange, keyText } from './keys.ts';
import type { Lessor } from './lessor.ts';
import type { MvccStore } from './mvcc-store.ts';
import type { MvccTxn } from './mvcc-txn.ts';
import { executeRange, type RangeSource } from './range.ts';

// Each is called with a fresh transaction, checks everything first, and then cannot fail: a request is
// applied wholly or not.

export function put(txn: MvccTxn, lessor: Lessor, request: PutRequest): Init<PutResponse> {
  checkPutAgainst(txn, lessor, request);
  return doPut(txn, lessor, request);
}

export function deleteRange(
  txn: MvccTxn,
  lessor: Lessor,
  request: DeleteRangeRequest,
): Init<DeleteRangeResponse> {
  const deleted = txn.deleteRange(keyRange(request.key, request.rangeEnd));
  for (const { history } of deleted) lessor.attach(history.text, 0);
  return {
    header: { revision: txn.revision },
    deleted: deleted.length,
    ...(request.prevKv ? { prevKvs: deleted } : {}),
  };
}

/**
 * Compares, picks the branch (of nested transactions too, before anything is written), checks it, runs it.
 */
export function txn(writes: MvccTxn, lessor: Lessor, request: TxnRequest): Init<TxnResponse> {
  const plan = planTxn(writes, request);
  checkPlan(plan, writes, lessor);
  const response = run(plan, writes, lessor);
  // As etcd: nested responses have an empty header.
  return { ...response, header: { revision: writes.revision } };
}

/** For transactions that only read: on the store itself, without proposing anything. */
export function readTxn(store: MvccStore, lessor: Lessor, request: TxnRequest): Init<TxnResponse> {
  if (!isReadOnlyTxn(request)) throw new TypeError('not a read-only transaction');
  return txn(store.begin(), lessor, request);
}

interface TxnPlan {
  readonly succeeded: boolean;
  readonly ops: readonly { readonly op: RequestOp; readonly nested: TxnPlan | undefined }[];
}

function planTxn(source: RangeSource, request: TxnRequest): TxnPlan {
  const succeeded = request.compare.every((compare) => holds(source, compare));
  const ops = (succeeded ? request.success : request.failure).map((op) => ({
    op,
    nested: op.requestTxn === null ? undefined : planTxn(source, op.requestTxn),
  }));
  return { succeeded, ops };
}

function checkPlan(plan: TxnPlan, writes: MvccTxn, lessor: Lessor): void {
  for (const { op, nested } of plan.ops) {
    if (op.requestRange !== null)
      writes.range(keyRange(op.requestRange.key, op.requestRange.rangeEnd), op.requestRange.revision, 1);
    if (op.requestPut !== null) checkPutAgainst(writes, lessor, op.requestPut);
    if (nested !== undefined) checkPlan(nested, writes, lessor);
  }
}

function run(plan: TxnPlan, writes: MvccTxn, lessor: Lessor): Init<TxnResponse> {
  const responses = plan.ops.map(({ op, nested }): Init<ResponseOp> => {
    if (op.requestRange !== null) return { responseRange: executeRange(writes, op.requestRange) };
    if (op.requestPut !== null) return { responsePut: doPut(writes, lessor, op.requestPut) };
    if (op.requestDeleteRange !== null) {
      return { responseDeleteRange: deleteRange(writes, lessor, op.requestDeleteRange) };
    }
    return nested === undefined ? {} : { responseTxn: run(nested, writes, lessor) };
  });
  return { header: {}, succeeded: plan.succeeded, responses };
}

function checkPutAgainst(txn: MvccTxn, lessor: Lessor, request: PutRequest): void {
  if (request.lease !== 0 && lessor.get(request.lease) === undefined) throw new EtcdError('leaseNotFound');
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (txn.get(keyText(request.key)) === undefined) throw new EtcdError('keyNotFound');
}

function doPut(txn: MvccTxn, lessor: Lessor, request: PutRequest): Init<PutResponse> {
  const key = keyText(request.key);
  const previous = txn.get(key);
  const value = request.ignoreValue && previous !== undefined ? previous.value : request.value;
  const lease = request.ignoreLease && previous !== undefined ? previous.lease : request.lease;
  txn.put(key, value, lease);
  lessor.attach(key, lease);
  return {
    header: { revision: txn.revision },
    ...(request.prevKv && previous !== undefined ? { prevKv: previous } : {}),
  };
}
