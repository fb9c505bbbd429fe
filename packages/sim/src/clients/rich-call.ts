import { EtcdError, learnerGuard } from '@kubelab/etcd-lite';
import type { Init } from '@kubelab/rpc';
import {
  AlarmAction,
  AlarmType,
  bytesOf,
  type Compare,
  CompareResult,
  CompareTarget,
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseHeader,
  type ResponseOp,
  SortOrder,
  SortTarget,
  textOf,
  type TxnRequest,
  type TxnResponse,
} from '@kubelab/rpc/etcd';
import type { Running } from '../world/sim-node.ts';
import { callOf, txnRequest } from './call.ts';
import type { Answer } from './operation.ts';
import type { CompareSpec, OpSpec, RangeSpec, RichRequest, TxnSpec } from './rich-request.ts';

/** Asks a simulated member's services. */
export async function richCall(running: Running, request: RichRequest): Promise<Answer> {
  const { kv, lease, maintenance, snapshot, auth, member } = running;
  if (member.membership.isLearner && request.type !== 'range') throw new EtcdError('learnerNotSupported');
  switch (request.type) {
    case 'txn': {
      const response = await kv.txn(txnRequest(txnOf(request.txn)));
      return { revision: revisionOf(response), text: textOfTxn(response), hasWritten: hasWritten(response) };
    }
    case 'range': {
      const range = rangeOf(request.range);
      await learnerGuard(member)(range, callOf('/etcdserverpb.KV/Range'));
      const response = await kv.range(range);
      return { revision: revisionOf(response), text: textOfRange(response) };
    }
    case 'time-to-live': {
      const response = await lease.timeToLive({ ID: request.lease, keys: true });
      return {
        revision: revisionOf(response),
        ttlSeconds: Number(response.TTL),
        keys: (response.keys ?? []).map(text),
      };
    }
    case 'leases': {
      const response = await lease.leases();
      return { revision: revisionOf(response), leases: (response.leases ?? []).map(({ ID }) => Number(ID)) };
    }
    case 'hash-kv': {
      const { header, hash, compactRevision, hashRevision } = await snapshot.hashKv({
        revision: request.revision,
      });
      return { revision: header?.revision ?? 0, text: `${hashRevision}/${compactRevision}`, hash: hash ?? 0 };
    }
    case 'disarm': {
      const alarms = [...member.machine.state.alarms.values()];
      const alarm = AlarmType.NOSPACE;
      for (const { memberID } of alarms)
        await maintenance.alarm({ action: AlarmAction.DEACTIVATE, memberID, alarm });
      return { revision: 0 };
    }
    case 'role': {
      const { name } = request;
      await (request.isAdded ? auth.RoleAdd({ name }) : auth.RoleDelete({ role: name }));
      return { revision: 0 };
    }
  }
}

// ---- requests ----

export function txnOf({ compare, success, failure }: TxnSpec): Init<TxnRequest> {
  return { compare: compare.map(compareOf), success: success.map(opOf), failure: failure.map(opOf) };
}

function opOf(spec: OpSpec): Init<RequestOp> {
  switch (spec.op) {
    case 'put': {
      const { key, value, lease, keepsValue: ignoreValue, keepsLease: ignoreLease } = spec;
      const put = { key: bytesOf(key), value: bytesOf(value), lease, ignoreValue, ignoreLease };
      return { requestPut: { ...put, prevKv: true } };
    }
    case 'delete': {
      const range = { key: bytesOf(spec.key), rangeEnd: bytesOf(spec.end ?? '') };
      return { requestDeleteRange: { ...range, prevKv: true } };
    }
    case 'range':
      return { requestRange: rangeOf(spec) };
    default:
      return { requestTxn: txnOf(spec) };
  }
}

export function rangeOf(spec: RangeSpec): RangeRequest {
  return {
    key: bytesOf(spec.key),
    rangeEnd: bytesOf(spec.end ?? ''),
    limit: spec.limit,
    revision: spec.revision,
    sortOrder: { none: SortOrder.NONE, ascend: SortOrder.ASCEND, descend: SortOrder.DESCEND }[spec.order],
    sortTarget: {
      key: SortTarget.KEY,
      version: SortTarget.VERSION,
      create: SortTarget.CREATE,
      mod: SortTarget.MOD,
      value: SortTarget.VALUE,
    }[spec.target],
    serializable: spec.isSerializable,
    keysOnly: spec.isKeysOnly,
    countOnly: spec.isCountOnly,
    minModRevision: spec.minMod,
    maxModRevision: spec.maxMod,
    minCreateRevision: spec.minCreate,
    maxCreateRevision: spec.maxCreate,
  };
}

const RESULTS = {
  '=': CompareResult.EQUAL,
  '!=': CompareResult.NOT_EQUAL,
  '>': CompareResult.GREATER,
  '<': CompareResult.LESS,
} as const;

function compareOf({ key, end, target, result, operand }: CompareSpec): Init<Compare> {
  const what = { key: bytesOf(key), rangeEnd: bytesOf(end ?? ''), result: RESULTS[result] };
  const number = Number(operand);
  switch (target) {
    case 'version':
      return { ...what, target: CompareTarget.VERSION, version: number };
    case 'create':
      return { ...what, target: CompareTarget.CREATE, createRevision: number };
    case 'mod':
      return { ...what, target: CompareTarget.MOD, modRevision: number };
    case 'lease':
      return { ...what, target: CompareTarget.LEASE, lease: number };
    case 'value':
      return { ...what, target: CompareTarget.VALUE, value: bytesOf(String(operand)) };
  }
}

// ---- responses, in the words of `checks/model.ts` ----

export function textOfTxn({ succeeded, responses }: Init<TxnResponse>): string {
  return `${succeeded === true ? 'then' : 'else'} { ${(responses ?? []).map(textOfOp).join('; ')} }`;
}

function textOfOp(response: Init<ResponseOp>): string {
  const { responsePut, responseDeleteRange, responseRange, responseTxn } = response;
  if (responsePut) return `put [${responsePut.prevKv ? textOfKv(responsePut.prevKv) : ''}]`;
  if (responseDeleteRange) {
    const { deleted, prevKvs } = responseDeleteRange;
    return `deleted ${deleted ?? 0} [${(prevKvs ?? []).map(textOfKv).join(', ')}]`;
  }
  if (responseRange) return textOfRange(responseRange);
  return responseTxn ? textOfTxn(responseTxn) : '';
}

export function textOfRange({ kvs, count, more }: Init<RangeResponse>): string {
  return `found ${count ?? 0} [${(kvs ?? []).map(textOfKv).join(', ')}]${more === true ? ' more' : ''}`;
}

function textOfKv(kv: Init<KeyValue>): string {
  const { modRevision, createRevision, version, lease } = kv;
  return `${text(kv.key)}=${text(kv.value)} m${modRevision} c${createRevision} v${version} l${lease ?? 0}`;
}

export function hasWritten({ responses }: Init<TxnResponse>): boolean {
  return (responses ?? []).some(
    ({ responsePut, responseDeleteRange, responseTxn }) =>
      !!responsePut || (responseDeleteRange?.deleted ?? 0) > 0 || (!!responseTxn && hasWritten(responseTxn)),
  );
}

function revisionOf({ header }: { readonly header?: Init<ResponseHeader> | null | undefined }): number {
  return header?.revision ?? 0;
}

function text(bytes: Init<Uint8Array> | undefined): string {
  return textOf(Uint8Array.from((bytes as Uint8Array) ?? []));
}
