import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Init } from '@kubelab/rpc';
import { AlarmAction, AlarmType, bytesOf, textOf } from '@kubelab/rpc/etcd';
import { type InternalRequest, internalRequestCodec } from '../wire.ts';
import { BEYOND_ALL_KEYS } from './keys.ts';
import { type Applied, StateMachine } from './state-machine.ts';

const b = bytesOf;
const TERM = 3;

function apply(machine: StateMachine, body: Init<InternalRequest>, term = TERM): Applied | undefined {
  const request = internalRequestCodec.decode(
    internalRequestCodec.encode({ proposer: 'm', id: 1, term: TERM, ...body }),
  );
  return machine.apply(request, term);
}
const put = (key: string, lease = 0): Init<InternalRequest> => ({
  put: { key: b(key), value: b('v'), lease },
});
const keys = (machine: StateMachine): string[] =>
  machine.store.range({ start: '', end: BEYOND_ALL_KEYS }, 0).kvs.map(({ key }) => textOf(key));

describe('the state machine', () => {
  test('SM-3 a copy of a request that lands in a later term does nothing', () => {
    const machine = new StateMachine();
    assert.equal(apply(machine, put('a'), TERM + 1), undefined);
    assert.deepEqual(keys(machine), []);
    assert.notEqual(apply(machine, put('a')), undefined);
    assert.deepEqual(keys(machine), ['a']);
  });

  test('SM-1 a refused transaction leaves nothing behind', () => {
    const machine = new StateMachine();
    const success = [{ requestPut: { key: b('a') } }, { requestPut: { key: b('b'), lease: 77 } }];
    assert.equal(apply(machine, { txn: { success } })?.error?.reason, 'leaseNotFound');
    assert.deepEqual([keys(machine), machine.store.revision], [[], 1]);
  });

  test('SM-2 a revoked lease deletes its keys, sorted, in one revision', () => {
    const machine = new StateMachine();
    apply(machine, { leaseGrant: { ID: 5, TTL: 10 } });
    for (const key of ['c', 'a', 'b']) apply(machine, put(key, 5));
    apply(machine, put('free'));
    const { changes } = apply(machine, { leaseRevoke: { ID: 5 } }) ?? {};
    assert.deepEqual(
      changes?.map(({ key, modRevision }) => [textOf(key), modRevision]),
      [
        ['a', 6],
        ['b', 6],
        ['c', 6],
      ],
    );
    assert.deepEqual(keys(machine), ['free']);
  });

  test('a full store takes deletions and compactions only, until the alarm is disarmed', () => {
    const machine = new StateMachine();
    apply(machine, put('a'));
    const alarm = { action: AlarmAction.ACTIVATE, memberID: 1, alarm: AlarmType.NOSPACE };
    apply(machine, { alarm });
    const reason = (body: Init<InternalRequest>): string | undefined => apply(machine, body)?.error?.reason;
    assert.equal(reason(put('b')), 'noSpace');
    assert.equal(reason({ leaseGrant: { ID: 1, TTL: 5 } }), 'noSpace');
    assert.equal(reason({ txn: { success: [{ requestPut: { key: b('b') } }] } }), 'noSpace');
    assert.equal(reason({ txn: { success: [{ requestDeleteRange: { key: b('a') } }] } }), undefined);
    assert.equal(reason({ compaction: { revision: 2 } }), undefined);
    apply(machine, { alarm: { ...alarm, action: AlarmAction.DEACTIVATE } });
    assert.equal(reason(put('b')), undefined);
  });

  test('a corrupt store takes nothing', () => {
    const machine = new StateMachine();
    apply(machine, { alarm: { action: AlarmAction.ACTIVATE, memberID: 1, alarm: AlarmType.CORRUPT } });
    assert.equal(apply(machine, { deleteRange: { key: b('a') } })?.error?.reason, 'corrupt');
  });
});
