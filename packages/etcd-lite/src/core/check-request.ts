import {
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
  type TxnRequest,
} from '@kubelab/rpc/etcd';
import { EtcdError } from './errors.ts';
import { isInRange, type KeyRange, keyRange, type KeyText, keyText } from './keys.ts';

/** etcd's --max-txn-ops. */
export const TXN_OPS_MAX = 128;

// What is wrong with a request whatever the store holds; checked before it is proposed.

export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
  if (!Object.values(SortOrder).some((order) => order === request.sortOrder))
    throw new EtcdError('invalidSortOption');
  if (!Object.values(SortTarget).some((target) => target === request.sortTarget)) {
    throw new EtcdError('invalidSortOption');
  }
}

export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
  if (request.ignoreValue && request.value.length > 0) throw new EtcdError('valueProvided');
  if (request.ignoreLease && request.lease !== 0) throw new EtcdError('leaseProvided');
}

export function checkDeleteRange(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
}

export function checkTxn(request: TxnRequest, opsMax = TXN_OPS_MAX): void {
  checkTxnShape(request, opsMax);
  writesOf(request.success);
  writesOf(request.failure);
}

function checkTxnShape(request: TxnRequest, opsLeft: number): void {
  const ops = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (ops > opsLeft) throw new EtcdError('tooManyOps');
  for (const compare of request.compare) if (compare.key.length === 0) throw new EtcdError('emptyKey');
  for (const op of [...request.success, ...request.failure]) checkOp(op, opsLeft - ops);
}

function checkOp(op: RequestOp, opsLeft: number): void {
  if (op.requestRange !== null) checkRange(op.requestRange);
  else if (op.requestPut !== null) checkPut(op.requestPut);
  else if (op.requestDeleteRange !== null) checkDeleteRange(op.requestDeleteRange);
  else if (op.requestTxn !== null) checkTxnShape(op.requestTxn, opsLeft);
  else throw new EtcdError('keyNotFound');
}

interface Writes {
  readonly puts: ReadonlySet<KeyText>;
  readonly deletes: readonly KeyRange[];
}

/** The writes of one branch, nested ones included. Throws where two of them could touch the same key. */
function writesOf(ops: readonly RequestOp[]): Writes {
  const puts = new Set<KeyText>();
  const deletes: KeyRange[] = [];
  const add = (key: KeyText, isAllowedTwice: boolean): void => {
    if (puts.has(key) && !isAllowedTwice) throw new EtcdError('duplicateKey');
    if (deletes.some((range) => isInRange(range, key))) throw new EtcdError('duplicateKey');
    puts.add(key);
  };
  for (const { requestDeleteRange: del } of ops)
    if (del !== null) deletes.push(keyRange(del.key, del.rangeEnd));
  for (const { requestTxn } of ops) {
    if (requestTxn === null) continue;
    const success = writesOf(requestTxn.success);
    const failure = writesOf(requestTxn.failure);
    const inner = [...success.deletes, ...failure.deletes];
    // etcd takes what puts a key and then deletes it again; here a revision has one version of a key (MVCC-1).
    if ([...puts].some((key) => inner.some((range) => isInRange(range, key))))
      throw new EtcdError('duplicateKey');
    for (const key of success.puts) add(key, false);
    // Only one of the two branches runs.
    for (const key of failure.puts) add(key, success.puts.has(key));
    deletes.push(...inner);
  }
  for (const { requestPut } of ops) if (requestPut !== null) add(keyText(requestPut.key), false);
  return { puts, deletes };
}

/** Reads only, so that it need not be proposed. */
export function isReadOnlyTxn(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every(({ requestRange }) => requestRange !== null);
}

export function isSerializableTxn(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every(
    ({ requestRange }) => requestRange?.serializable === true,
  );
}
