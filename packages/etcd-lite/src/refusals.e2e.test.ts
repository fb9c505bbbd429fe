import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bytesOf } from '@kubelab/rpc/etcd';
import { BothStores, isRefusal, type Refusal } from './testing/both.ts';
import type { Service } from './testing/raw-client.ts';

interface Case {
  readonly name: string;
  readonly service: Service;
  readonly rpc: string;
  readonly request: object;
  /** Where we answer otherwise than etcd 3.4, on purpose: what, and why. */
  readonly ours?: { readonly answer: Refusal | 'ok'; readonly because: string };
}

const b = bytesOf;
const key = b('a');
const put = (name: string, more: object = {}): object => ({
  requestPut: { key: b(name), value: b('x'), ...more },
});
const get = (name: string, more: object = {}): object => ({ requestRange: { key: b(name), ...more } });
const del = (name: string, end?: string): object => ({
  requestDeleteRange: { key: b(name), ...(end === undefined ? {} : { rangeEnd: b(end) }) },
});
const many = (count: number, op: (name: string) => object): object[] =>
  Array.from({ length: count }, (_, i) => op(`m${i}`));
const kv = (name: string, rpc: string, request: object, ours?: Case['ours']): Case => {
  return { name, service: 'KV', rpc, request, ...(ours && { ours }) };
};
const txn = (name: string, success: object[], more: object = {}): Case =>
  kv(name, 'Txn', { success, ...more });
const FUTURE = 1_000_000;
const INVALID_ARGUMENT = 3;

/** Every request is wrong in its own way; before them stands `a` with some versions, the first ones compacted. */
const CASES: readonly Case[] = [
  kv('put without a key', 'Put', { value: b('x') }),
  kv('put with a value and without', 'Put', { key, value: b('x'), ignoreValue: true }),
  kv('put with a lease and without', 'Put', { key, lease: 5, ignoreLease: true }),
  kv('put that keeps the value of nothing', 'Put', { key: b('absent'), ignoreValue: true }),
  kv('put that keeps the lease of nothing', 'Put', { key: b('absent'), value: b('x'), ignoreLease: true }),
  kv('put with an unknown lease', 'Put', { key, value: b('x'), lease: 4711 }),
  kv('put with a negative lease', 'Put', { key, value: b('x'), lease: -5 }),
  kv('put of too much', 'Put', { key, value: Buffer.alloc(1_600_000) }),
  kv('put of a key of a megabyte', 'Put', { key: Buffer.alloc(1_600_000, 1) }),
  kv('range without a key', 'Range', {}),
  kv('range without a key, with an end', 'Range', { rangeEnd: b('z') }),
  kv('range of the future', 'Range', { key, revision: FUTURE }),
  kv('range of what was compacted', 'Range', { key, revision: 2 }),
  kv('range of a negative revision', 'Range', { key, revision: -1 }),
  kv('range with a negative limit', 'Range', { key, limit: -1 }),
  kv(
    'range in an order that is none',
    'Range',
    { key, sortOrder: 7 },
    {
      answer: { code: INVALID_ARGUMENT, details: 'etcdserver: invalid sort option' },
      because: '3.4 ignores it, 3.5 refuses it',
    },
  ),
  kv('delete without a key', 'DeleteRange', {}),
  kv('delete without a key, with an end', 'DeleteRange', { rangeEnd: b('z') }),
  kv('compaction of the future', 'Compact', { revision: FUTURE }),
  kv('compaction once more', 'Compact', { revision: 3 }),
  kv('compaction of nothing', 'Compact', {}),
  kv('compaction of a negative revision', 'Compact', { revision: -7 }),
  txn('txn of too many operations', many(129, put)),
  txn('txn of too many comparisons', [], {
    compare: Array.from({ length: 129 }, () => ({ key, version: 1 })),
  }),
  txn('txn of too many failures', [], { failure: many(129, get) }),
  txn('txn of as many operations as may be', many(128, get)),
  txn('txn of too many operations in a nested one', [{ requestTxn: { success: many(129, get) } }]),
  txn('txn that puts a key twice', [put('d'), put('d')]),
  txn('txn that puts a key twice, once nested', [put('d'), { requestTxn: { success: [put('d')] } }]),
  txn('txn that puts a key in both branches of a nested one', [
    { requestTxn: { success: [put('d')], failure: [put('d')] } },
  ]),
  txn('txn that puts what it deletes', [put('d'), del('d')]),
  txn('txn that puts into what it deletes', [del('c', 'e'), put('d')]),
  txn('txn that deletes twice', [del('c', 'e'), del('d')]),
  txn('txn that deletes in a nested one what it puts', [
    put('d'),
    { requestTxn: { success: [del('c', 'e')] } },
  ]),
  txn('txn with a put without a key', [{ requestPut: { value: b('x') } }]),
  txn('txn with a range without a key', [{ requestRange: {} }]),
  txn('txn with a deletion without a key', [{ requestDeleteRange: {} }]),
  txn('txn with a comparison without a key', [], { compare: [{ version: 1 }] }),
  txn('txn with an empty operation', [{}]),
  txn('txn that reads the future and writes', [put('not-written'), get('a', { revision: FUTURE })]),
  txn('txn that reads what was compacted and writes', [put('not-written'), get('a', { revision: 2 })]),
  txn('txn that reads the future', [get('a', { revision: FUTURE })]),
  txn('txn that reads what was compacted, nested', [
    { requestTxn: { success: [get('a', { revision: 2 })] } },
  ]),
  txn('txn with an unknown lease', [put('d', { lease: 4711 })]),
  txn('txn that keeps the value of nothing', [{ requestPut: { key: b('absent'), ignoreValue: true } }]),
  { name: 'lease for too long', service: 'Lease', rpc: 'LeaseGrant', request: { TTL: 9_000_000_001 } },
  { name: 'lease that exists', service: 'Lease', rpc: 'LeaseGrant', request: { ID: 77, TTL: 60 } },
  { name: 'revocation of no lease', service: 'Lease', rpc: 'LeaseRevoke', request: { ID: 4711 } },
  { name: 'revocation of lease 0', service: 'Lease', rpc: 'LeaseRevoke', request: {} },
  { name: 'removal of nobody', service: 'Cluster', rpc: 'MemberRemove', request: { ID: 42 } },
  {
    name: 'update of nobody',
    service: 'Cluster',
    rpc: 'MemberUpdate',
    request: { ID: 42, peerURLs: ['http://127.0.0.1:1'] },
  },
  { name: 'promotion of nobody', service: 'Cluster', rpc: 'MemberPromote', request: { ID: 42 } },
  { name: 'member without a URL', service: 'Cluster', rpc: 'MemberAdd', request: {} },
  {
    name: 'member with a URL that is none',
    service: 'Cluster',
    rpc: 'MemberAdd',
    request: { peerURLs: ['nonsense'] },
  },
  {
    name: 'member with a URL of another scheme',
    service: 'Cluster',
    rpc: 'MemberAdd',
    request: { peerURLs: ['ftp://a:1'] },
  },
  { name: 'leadership for nobody', service: 'Maintenance', rpc: 'MoveLeader', request: { targetID: 42 } },
  { name: 'hash of the future', service: 'Maintenance', rpc: 'HashKV', request: { revision: FUTURE } },
  { name: 'hash of what was compacted', service: 'Maintenance', rpc: 'HashKV', request: { revision: 2 } },
  { name: 'auth without root', service: 'Auth', rpc: 'AuthEnable', request: {} },
  { name: 'user without a name', service: 'Auth', rpc: 'UserAdd', request: { password: 'x' } },
  { name: 'unknown user', service: 'Auth', rpc: 'UserGet', request: { name: 'nobody' } },
  { name: 'deletion of no user', service: 'Auth', rpc: 'UserDelete', request: { name: 'nobody' } },
  {
    name: 'password of no user',
    service: 'Auth',
    rpc: 'UserChangePassword',
    request: { name: 'nobody', password: 'x' },
  },
  { name: 'role for no user', service: 'Auth', rpc: 'UserGrantRole', request: { user: 'nobody', role: 'r' } },
  {
    name: 'role from no user',
    service: 'Auth',
    rpc: 'UserRevokeRole',
    request: { name: 'nobody', role: 'r' },
  },
  { name: 'role without a name', service: 'Auth', rpc: 'RoleAdd', request: {} },
  { name: 'unknown role', service: 'Auth', rpc: 'RoleGet', request: { role: 'nothing' } },
  { name: 'deletion of no role', service: 'Auth', rpc: 'RoleDelete', request: { role: 'nothing' } },
  {
    name: 'permission for no role',
    service: 'Auth',
    rpc: 'RoleGrantPermission',
    request: { name: 'nothing', perm: { key } },
  },
  {
    name: 'no permission at all',
    service: 'Auth',
    rpc: 'RoleGrantPermission',
    request: { name: 'nothing' },
    ours: {
      answer: { code: INVALID_ARGUMENT, details: 'etcdserver: permission not given' },
      because: '3.5 looks at the permission first',
    },
  },
  {
    name: 'permission from no role',
    service: 'Auth',
    rpc: 'RoleRevokePermission',
    request: { role: 'nothing', key },
  },
  {
    name: 'login without auth',
    service: 'Auth',
    rpc: 'Authenticate',
    request: { name: 'root', password: 'x' },
  },
];

const { skip } = BothStores;

describe('refusals have the code and the words of a real etcd', { skip }, () => {
  let both: BothStores;
  before(async () => {
    both = await BothStores.start();
    for (const client of both.clients) {
      for (let i = 0; i < 5; i++) await client.put({ key, value: b(String(i)) });
      await client.compact({ revision: 3, physical: true });
      await client.leaseGrant({ ID: 77, TTL: 600 });
    }
  });
  after(() => both.stop());

  for (const { name, service, rpc, request, ours } of CASES) {
    test(name, async () => {
      const [theirs, mine] = await both.rawOutcomes((raw) => raw.call(service, rpc, request));
      if (ours === undefined) return assert.deepEqual(mine, theirs);
      assert.notDeepEqual(mine, theirs, `no difference any more: ${ours.because}`);
      if (ours.answer === 'ok') assert.ok(!isRefusal(mine), ours.because);
      else assert.deepEqual(mine, ours.answer, ours.because);
    });
  }

  test('range by a target that is none (3.4 dies of it) is refused as 3.5 refuses it', async () => {
    const [, ours] = both.clients;
    await assert.rejects(ours.range({ key, rangeEnd: b('z'), sortTarget: 9, sortOrder: 1 }), {
      code: INVALID_ARGUMENT,
      details: 'etcdserver: invalid sort option',
    });
  });

  test('nothing of all that was written', async () => {
    const [theirs, mine] = await both.outcomes((client) => client.range({ key: b('\0'), rangeEnd: b('\0') }));
    assert.deepEqual(mine, theirs);
  });
});
