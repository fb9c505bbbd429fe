import type { Init, ServerStream } from '@kubelab/rpc';
import {
  AlarmAction,
  AlarmType,
  type CompactionRequest,
  type CompactionResponse,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type RangeStreamResponse,
  type TxnRequest,
  type TxnResponse,
} from '@kubelab/rpc/etcd';
import type { Credentials } from '../auth/index.ts';
import { checkKeys, checkTxn as checkTxnAccess, NOBODY } from '../core/auth/check-access.ts';
import {
  checkDeleteRange,
  checkPut,
  checkRange,
  checkTxn,
  isReadOnlyTxn,
  isSerializableTxn,
} from '../core/check-request.ts';
import { EtcdError } from '../core/errors.ts';
import { keyRange } from '../core/keys.ts';
import { executeRange } from '../core/range.ts';
import { checkRangeStream, rangeParts } from '../core/range-parts.ts';
import { hasPut } from '../core/state-machine.ts';
import { readTxn } from '../core/write.ts';
import type { Member } from '../shell/member.ts';
import { nextTurn } from '../slices.ts';
import type { AuthInfo } from '../wire.ts';
import { header, withHeader } from './header.ts';

/**
 * etcd's KV service: what is wrong with a request is said before it goes anywhere; reads are linearizable
 * unless asked otherwise.
 */
export function kvService(member: Member) {
  const { machine, auth } = member;

  async function range(request: RangeRequest, call?: Credentials): Promise<Init<RangeResponse>> {
    checkRange(request);
    if (!request.serializable) await member.linearize();
    mayRead(auth.isEnabled ? await auth.who(call) : NOBODY, request);
    return withHeader(member, executeRange(machine.store, request));
  }

  /** The same in pieces, for results that are too large for one message, or for the client's memory. */
  async function rangeStream(
    request: RangeRequest,
    stream: ServerStream<unknown, Init<RangeStreamResponse>>,
  ): Promise<void> {
    checkRange(request);
    checkRangeStream(request);
    if (!request.serializable) await member.linearize();
    mayRead(auth.isEnabled ? await auth.who(stream) : NOBODY, request);
    const { revision } = machine.store;
    for (const part of rangeParts(machine.store, request)) {
      if (stream.isOver) return;
      const isLast = part.header !== undefined;
      const rangeResponse = isLast ? { ...part, header: header(member, revision) } : part;
      // Beyond a limit keys are only counted.
      const isEmpty = !isLast && part.kvs?.length === 0;
      const hasRoom = isEmpty || stream.write({ rangeResponse });
      if (isLast) return;
      if (hasRoom) await nextTurn();
      else await stream.drained();
    }
  }

  /**
   * Asked last thing before the state is read, with nothing awaited in between: users and keys that were changed
   * together are seen together.
   */
  function mayRead(who: AuthInfo, { key, rangeEnd }: RangeRequest): void {
    if (auth.isEnabled) checkKeys(auth.store, who, keyRange(key, rangeEnd), 'read');
    refuseIfCorrupt();
  }

  async function put(request: PutRequest, call?: Credentials): Promise<Init<PutResponse>> {
    checkPut(request);
    await requireSpace(request.key.length + request.value.length);
    return withHeader(member, await auth.propose({ put: request }, call));
  }

  async function deleteRange(
    request: DeleteRangeRequest,
    call?: Credentials,
  ): Promise<Init<DeleteRangeResponse>> {
    checkDeleteRange(request);
    return withHeader(member, await auth.propose({ deleteRange: request }, call));
  }

  async function txn(request: TxnRequest, call?: Credentials): Promise<Init<TxnResponse>> {
    checkTxn(request, member.tuning.txnOpsMax);
    if (isReadOnlyTxn(request)) {
      if (!isSerializableTxn(request)) await member.linearize();
      if (auth.isEnabled) checkTxnAccess(machine.state, await auth.who(call), request);
      refuseIfCorrupt();
      return withHeader(member, readTxn(machine.store, machine.lessor, request));
    }
    if (hasPut(request)) await requireSpace(0);
    return withHeader(member, await auth.propose({ txn: request }, call));
  }

  async function compact(request: CompactionRequest, call?: Credentials): Promise<Init<CompactionResponse>> {
    const response = await auth.propose({ compaction: request }, call);
    if (request.physical) await member.swept();
    return withHeader(member, response);
  }

  function refuseIfCorrupt(): void {
    if (machine.hasAlarm(AlarmType.CORRUPT)) throw new EtcdError('corrupt');
  }

  /** The first write beyond the quota raises the alarm for the whole cluster. */
  async function requireSpace(bytes: number): Promise<void> {
    const { quotaBytes } = member.options;
    if (machine.store.bytes + bytes <= quotaBytes) return;
    if (!machine.hasAlarm(AlarmType.NOSPACE)) {
      const alarm = {
        action: AlarmAction.ACTIVATE,
        memberID: member.membership.id,
        alarm: AlarmType.NOSPACE,
      };
      await member.propose({ alarm });
    }
    throw new EtcdError('noSpace');
  }

  return { range, rangeStream, put, deleteRange, txn, compact };
}
