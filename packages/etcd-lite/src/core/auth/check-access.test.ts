import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Init } from '@kubelab/rpc';
import { bytesOf, PermissionType, type RequestOp } from '@kubelab/rpc/etcd';
import { type InternalRequest, internalRequestCodec } from '../../wire.ts';
import { StateMachine } from '../state-machine.ts';

const b = bytesOf;

function request(body: Init<InternalRequest>): InternalRequest {
  return internalRequestCodec.decode(internalRequestCodec.encode({ proposer: 'm', id: 1, term: 1, ...body }));
}

/** r may read and write r…, w may write w…, and o may read o…; each user has the role of its name. */
function machineWithUsers(): StateMachine {
  const machine = new StateMachine();
  const { auth } = machine.state;
  const hash = b('hash');
  auth.addUser('root', hash, false);
  auth.grantRole('root', 'root');
  const grants = [
    ['r', PermissionType.READWRITE],
    ['w', PermissionType.WRITE],
    ['o', PermissionType.READ],
  ] as const;
  for (const [name, permType] of grants) {
    auth.addRole(name);
    auth.addUser(name, hash, false);
    auth.grantRole(name, name);
    const rangeEnd = b(String.fromCharCode(name.charCodeAt(0) + 1));
    auth.grantPermission(name, { permType, key: b(name), rangeEnd });
  }
  auth.enable();
  return machine;
}

/** Why the user is refused; undefined: they are not. */
function refusal(machine: StateMachine, username: string, body: Init<InternalRequest>): string | undefined {
  const header = { username, authRevision: machine.state.auth.revision };
  return machine.apply(request({ ...body, header }), 1)?.error?.reason;
}

const put = (key: string, more: object = {}): Init<InternalRequest> => ({ put: { key: b(key), ...more } });
const del = (key: string, more: object = {}): Init<InternalRequest> => ({
  deleteRange: { key: b(key), ...more },
});
const txn = (success: readonly Init<RequestOp>[], compare: string[] = []): Init<InternalRequest> => ({
  txn: { compare: compare.map((key) => ({ key: b(key) })), success },
});

describe('permissions, checked where requests are applied', () => {
  const denied = 'permissionDenied';
  const cases: readonly (readonly [string, string, Init<InternalRequest>, string | undefined])[] = [
    ['a put of what may be written', 'r', put('r'), undefined],
    ['a put of what may be read only', 'o', put('o'), denied],
    ['a put elsewhere', 'r', put('x'), denied],
    ['root puts anywhere', 'root', put('x'), undefined],
    ['a put that shows what was there, unreadable', 'w', put('w', { prevKv: true }), denied],
    ['a put that shows what was there, readable', 'r', put('r', { prevKv: true }), undefined],
    ['a deletion of what may be written', 'w', del('w'), undefined],
    ['a deletion that shows what was there', 'w', del('w', { prevKv: true }), denied],
    ['a deletion that goes too far', 'w', del('w', { rangeEnd: b('y') }), denied],
    ['a deletion without end', 'w', del('w', { rangeEnd: b('\0') }), denied],
    ['a transaction of allowed writes', 'w', txn([{ requestPut: { key: b('w') } }]), undefined],
    ['a comparison with the unreadable', 'w', txn([{ requestPut: { key: b('w') } }], ['w']), denied],
    ['a read of the unreadable within', 'w', txn([{ requestRange: { key: b('w') } }]), denied],
    ['a put elsewhere within', 'w', txn([{ requestPut: { key: b('x') } }]), denied],
    ['a deletion elsewhere within', 'w', txn([{ requestDeleteRange: { key: b('x') } }]), denied],
    [
      'a put within that shows the unreadable',
      'w',
      txn([{ requestPut: { key: b('w'), prevKv: true } }]),
      denied,
    ],
    [
      'a put elsewhere, nested',
      'w',
      txn([{ requestTxn: { failure: [{ requestPut: { key: b('x') } }] } }]),
      denied,
    ],
    [
      'a comparison with the unreadable, nested',
      'w',
      txn([{ requestTxn: { compare: [{ key: b('w') }] } }]),
      denied,
    ],
    ['adding a user', 'r', { auth: { userAdd: { name: 'n' } } }, denied],
    ['turning auth off', 'r', { auth: { disable: {} } }, denied],
    ['root adds a user', 'root', { auth: { userAdd: { name: 'n' } } }, undefined],
    ['somebody who is gone writes', 'gone', put('r'), denied],
    ['somebody who is gone adds a user', 'gone', { auth: { userAdd: { name: 'n' } } }, 'userNotFound'],
    ['compaction is for everybody, as in etcd', 'r', { compaction: { revision: 1 } }, undefined],
  ];
  for (const [name, user, body, want] of cases)
    test(`${name}: ${want ?? 'allowed'}`, () => {
      assert.equal(refusal(machineWithUsers(), user, body), want);
    });

  test('the other branch of a transaction needs its permissions too', () => {
    const failure = [{ requestPut: { key: b('x') } }];
    const body = { txn: { success: [{ requestPut: { key: b('w') } }], failure } };
    assert.equal(refusal(machineWithUsers(), 'w', body), denied);
  });

  test('nobody may write, and anybody may while auth is off', () => {
    const machine = machineWithUsers();
    assert.equal(machine.apply(request(put('r')), 1)?.error?.reason, 'userEmpty');
    machine.state.auth.disable();
    assert.equal(machine.apply(request(put('r')), 1)?.error, undefined);
  });

  test('AUTH-3 a request that was allowed under an older auth revision is refused', () => {
    const machine = machineWithUsers();
    const header = { username: 'r', authRevision: machine.state.auth.revision };
    assert.equal(machine.apply(request({ ...put('r'), header }), 1)?.error, undefined);
    machine.apply(request({ auth: { roleAdd: { name: 'n' } }, header: { ...header, username: 'root' } }), 1);
    assert.equal(machine.apply(request({ ...put('r'), header }), 1)?.error?.reason, 'authOldRevision');
    assert.equal(machine.store.revision, 2);
  });

  test('AUTH-3 what a role allows changes with the entry that changes it', () => {
    const machine = machineWithUsers();
    assert.equal(refusal(machine, 'w', put('x')), denied);
    const perm = { permType: PermissionType.WRITE, key: b('x') };
    assert.equal(refusal(machine, 'root', { auth: { roleGrantPermission: { name: 'w', perm } } }), undefined);
    assert.equal(refusal(machine, 'w', put('x')), undefined);
    const revoke = { role: 'w', key: b('x') };
    assert.equal(refusal(machine, 'root', { auth: { roleRevokePermission: revoke } }), undefined);
    assert.equal(refusal(machine, 'w', put('x')), denied);
  });

  test('a lease is revoked, and hung on, only by who may write all of its keys', () => {
    const machine = machineWithUsers();
    refusal(machine, 'w', { leaseGrant: { ID: 5, TTL: 10 } });
    refusal(machine, 'w', put('w', { lease: 5 }));
    assert.equal(refusal(machine, 'r', put('r', { lease: 5 })), denied);
    assert.equal(refusal(machine, 'r', { leaseRevoke: { ID: 5 } }), denied);
    assert.equal(refusal(machine, 'w', { leaseRevoke: { ID: 5 } }), undefined);
  });

  test('a token is made of what the log says, once the user is there and has a password', () => {
    const machine = machineWithUsers();
    const log = (name: string): ReturnType<StateMachine['apply']> =>
      machine.apply(request({ auth: { authenticate: { name, tokenPrefix: 'abc' } } }), 1, 77);
    assert.deepEqual(log('r')?.response, { token: 'abc.77' });
    assert.equal(log('gone')?.error?.reason, 'authFailed');
    machine.state.auth.disable();
    assert.equal(log('r')?.error?.reason, 'authNotEnabled');
  });
});
