import { assert } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import {
  AlarmAction,
  type AlarmMember,
  type AlarmRequest,
  AlarmType,
  type MemberId,
  type TxnRequest,
} from '@kubelab/rpc/etcd';
import type { InternalRequest } from '../wire.ts';
import { applyAuthChange } from './auth/apply-change.ts';
import { AuthStore } from './auth/auth-store.ts';
import { checkRequest } from './auth/check-access.ts';
import { EtcdError } from './errors.ts';
import type { KeyVersion } from './key-history.ts';
import { Lessor } from './lessor.ts';
import { Members } from './members.ts';
import { MvccStore } from './mvcc-store.ts';
import { deleteRange, put, txn } from './write.ts';

/**
 * What a request did. `response` is that of etcd's API for the request, its header filled in as far as the
 * log determines it.
 */
export interface Applied {
  readonly response: Init<object> | undefined;
  readonly error: EtcdError | undefined;
  /** All of one revision; empty when nothing was written. */
  readonly changes: readonly KeyVersion[];
}

export interface State {
  readonly store: MvccStore;
  readonly lessor: Lessor;
  readonly auth: AuthStore;
  /** By member and kind. */
  readonly alarms: Map<string, AlarmMember>;
  readonly members: Members;
}

/**
 * The replicated state: a function of the log and of nothing else.
 * Invariants
 *   SM-1  a request is applied wholly or, with an error, not at all
 *   SM-2  one applied request makes at most one revision
 *   SM-3  a request counts only in the term it was proposed in: no copy of it is applied under a later leader
 */
export class StateMachine {
  state: State = {
    store: new MvccStore(),
    lessor: new Lessor(),
    auth: new AuthStore(),
    alarms: new Map(),
    members: new Members(),
  };

  get store(): MvccStore {
    return this.state.store;
  }
  get lessor(): Lessor {
    return this.state.lessor;
  }

  /** `term` and `index` are those of the log entry. Undefined: the request does not count. */
  apply(request: InternalRequest, term: number, index = 0): Applied | undefined {
    if (request.term !== term) return undefined;
    const writes = this.store.begin();
    try {
      this.#refuseByAlarm(request);
      checkRequest(this.state, request);
      const response = this.#run(request, writes, index);
      writes.commit();
      return { response, error: undefined, changes: writes.changes };
    } catch (error) {
      assert(!(error instanceof EtcdError) || writes.changes.length === 0, 'SM-1');
      // Only refusals: anything else is a bug, and ends the process before members can differ.
      if (error instanceof EtcdError) return { response: undefined, error, changes: [] };
      throw error;
    }
  }

  hasAlarm(type: number): boolean {
    return this.state.alarms.values().some(({ alarm }) => alarm === type);
  }

  #run(request: InternalRequest, writes: ReturnType<MvccStore['begin']>, index: number): Init<object> {
    const { store, lessor } = this;
    if (request.put !== null) return put(writes, lessor, request.put);
    if (request.txn !== null) return txn(writes, lessor, request.txn);
    if (request.deleteRange !== null) return deleteRange(writes, lessor, request.deleteRange);
    if (request.leaseGrant !== null) {
      const { ID, TTL } = request.leaseGrant;
      lessor.grant(ID, TTL);
      return { ID, TTL };
    }
    if (request.leaseRevoke !== null) {
      for (const key of lessor.revoke(request.leaseRevoke.ID)) {
        writes.deleteRange({ start: key, end: undefined });
        lessor.attach(key, 0);
      }
      return { header: { revision: writes.revision } };
    }
    if (request.compaction !== null) {
      store.compact(request.compaction.revision);
      return { header: { revision: store.revision } };
    }
    if (request.alarm !== null) return this.#alarm(request.alarm);
    if (request.auth !== null) return applyAuthChange(this.state.auth, request.auth, index);
    for (const lease of request.leaseCheckpoint?.leases ?? [])
      lessor.checkpoint(lease.ID, lease.remainingTtl);
    if (request.memberAttributes !== null) {
      const { raftId, name, clientUrls, life } = request.memberAttributes;
      this.state.members.publish(raftId, name, clientUrls, life);
    }
    if (request.memberUpdate !== null) {
      this.state.members.update(request.memberUpdate.raftId, request.memberUpdate.peerUrls);
    }
    return {};
  }

  #alarm({ action, memberID, alarm }: AlarmRequest): Init<object> {
    const { alarms } = this.state;
    const key = alarmKey(memberID, alarm);
    if (action === AlarmAction.GET) {
      return {
        alarms: [...alarms.values()].filter((found) => alarm === AlarmType.NONE || found.alarm === alarm),
      };
    }
    if (action === AlarmAction.ACTIVATE) {
      const raised = { memberID, alarm };
      alarms.set(key, raised);
      return { alarms: [raised] };
    }
    const cleared = alarms.get(key);
    alarms.delete(key);
    return { alarms: cleared === undefined ? [] : [cleared] };
  }

  /** A full store takes deletions and compactions only; a corrupt one nothing. */
  #refuseByAlarm(request: InternalRequest): void {
    if (this.state.alarms.size === 0 || request.alarm !== null) return;
    if (this.hasAlarm(AlarmType.CORRUPT)) {
      const isData = request.put ?? request.deleteRange ?? request.txn ?? request.compaction;
      if (isData !== null) throw new EtcdError('corrupt');
    }
    if (!this.hasAlarm(AlarmType.NOSPACE)) return;
    const needsSpace =
      request.put !== null || request.leaseGrant !== null || (request.txn !== null && hasPut(request.txn));
    if (needsSpace) throw new EtcdError('noSpace');
  }
}

function alarmKey(memberId: MemberId, alarm: number): string {
  return `${memberId}/${alarm}`;
}

export function hasPut({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].some(
    ({ requestPut, requestTxn }) => requestPut !== null || (requestTxn !== null && hasPut(requestTxn)),
  );
}
