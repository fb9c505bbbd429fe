import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { realClock, silentLogger } from '@kubelab/component-base';
import type { Init, RpcError } from '@kubelab/rpc';
import { EtcdClient } from '@kubelab/rpc/client';
import {
  bytesOf,
  CompareTarget,
  CompareResult,
  FROM_KEY,
  prefixEnd,
  type RangeRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
  textOf,
  type TxnRequest,
} from '@kubelab/rpc/etcd';
import type { TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const b = bytesOf;
const put = (key: string, value: string): Init<RequestOp> => ({
  requestPut: { key: b(key), value: b(value) },
});
const get = (key: string): Init<RequestOp> => ({ requestRange: { key: b(key) } });
const del = (key: string, end?: string): Init<RequestOp> => ({
  requestDeleteRange: { key: b(key), ...(end === undefined ? {} : { rangeEnd: b(end) }) },
});

for (const target of targets) {
  describe(`KV on ${target.name}`, { skip: target.skip }, () => {
    let store: TestStore;
    let client: EtcdClient;
    before(async () => {
      store = await target.start();
      client = new EtcdClient({ endpoints: store.endpoints, log: silentLogger, clock: realClock });
    });
    after(async () => {
      client.close();
      await store.stop();
    });

    const keysOf = async (request: Init<RangeRequest>): Promise<string[]> =>
      (await client.range(request)).kvs.map(({ key }) => textOf(key));
    const refusal = async (promise: Promise<unknown>): Promise<[number, string]> => {
      const error = (await promise.then(
        () => assert.fail('was not refused'),
        (reason: unknown) => reason,
      )) as RpcError;
      return [error.code, error.details];
    };

    test('an empty store is at revision 1, and each write adds one', async () => {
      assert.equal((await client.range({ key: b('nothing') })).header.revision, 1);
      assert.equal((await client.put({ key: b('a'), value: b('1') })).header.revision, 2);
      assert.equal((await client.put({ key: b('a'), value: b('2') })).header.revision, 3);
    });

    test('a key counts its versions, and starts over after a deletion', async () => {
      const { kvs } = await client.range({ key: b('a') });
      assert.deepEqual(
        kvs.map(({ createRevision, modRevision, version }) => ({ createRevision, modRevision, version })),
        [{ createRevision: 2, modRevision: 3, version: 2 }],
      );
      const gone = await client.deleteRange({ key: b('a'), prevKv: true });
      assert.deepEqual(
        [gone.deleted, gone.prevKvs.map(({ value }) => textOf(value)), gone.header.revision],
        [1, ['2'], 4],
      );
      await client.put({ key: b('a'), value: b('3') });
      assert.equal((await client.range({ key: b('a') })).kvs[0]?.version, 1);
    });

    test('deleting nothing makes no revision', async () => {
      const before = (await client.range({ key: b('a') })).header.revision;
      const answer = await client.deleteRange({ key: b('absent') });
      assert.deepEqual([answer.deleted, answer.header.revision], [0, before]);
    });

    test('ranges: limit with the full count, from key, prefix, keys only, count only', async () => {
      for (const key of ['r/1', 'r/2', 'r/3', 's']) await client.put({ key: b(key), value: b(`v${key}`) });
      const prefix = { key: b('r/'), rangeEnd: prefixEnd(b('r/')) };
      const limited = await client.range({ ...prefix, limit: 2 });
      assert.deepEqual([limited.kvs.length, limited.more, limited.count], [2, true, 3]);
      assert.deepEqual(await keysOf({ key: b('r/2'), rangeEnd: FROM_KEY }), ['r/2', 'r/3', 's']);
      const keysOnly = await client.range({ ...prefix, keysOnly: true });
      assert.deepEqual(
        keysOnly.kvs.map(({ value }) => value.length),
        [0, 0, 0],
      );
      const counted = await client.range({ ...prefix, countOnly: true });
      assert.deepEqual([counted.kvs.length, counted.count, counted.more], [0, 3, false]);
      assert.deepEqual(await keysOf({ key: b('r/3'), rangeEnd: b('r/1') }), []);
    });

    test('ranges are sorted and filtered by revisions', async () => {
      const prefix = { key: b('r/'), rangeEnd: prefixEnd(b('r/')) };
      await client.put({ key: b('r/1'), value: b('a') });
      assert.deepEqual(
        await keysOf({ ...prefix, sortTarget: SortTarget.MOD, sortOrder: SortOrder.DESCEND }),
        ['r/1', 'r/3', 'r/2'],
      );
      assert.deepEqual(
        await keysOf({ ...prefix, sortTarget: SortTarget.VALUE, sortOrder: SortOrder.ASCEND }),
        ['r/1', 'r/2', 'r/3'],
      );
      const byMod = await client.range({
        ...prefix,
        sortTarget: SortTarget.VERSION,
        sortOrder: SortOrder.DESCEND,
        limit: 1,
      });
      assert.deepEqual(
        [byMod.kvs.map(({ key }) => textOf(key)), byMod.more, byMod.count],
        [['r/1'], true, 3],
      );
      const { modRevision = 0 } = (await client.range({ key: b('r/1') })).kvs[0] ?? {};
      assert.deepEqual(await keysOf({ ...prefix, minModRevision: modRevision }), ['r/1']);
      assert.deepEqual(await keysOf({ ...prefix, maxModRevision: modRevision - 1 }), ['r/2', 'r/3']);
    });

    test('an old revision can be read, and the header tells the current one', async () => {
      const { header } = await client.put({ key: b('old'), value: b('1') });
      await client.put({ key: b('old'), value: b('2') });
      const answer = await client.range({ key: b('old'), revision: header.revision });
      assert.equal(textOf(answer.kvs[0]?.value ?? b('')), '1');
      assert.equal(answer.header.revision, header.revision + 1);
    });

    test('a transaction has one revision, and reads in it see its writes', async () => {
      const { header } = await client.put({ key: b('t'), value: b('0') });
      const answer = await client.txn({
        compare: [{ key: b('t'), target: CompareTarget.MOD, modRevision: header.revision }],
        success: [put('t', '1'), put('t2', '1'), get('t'), del('s')],
      });
      assert.equal(answer.succeeded, true);
      assert.equal(answer.header.revision, header.revision + 1);
      assert.equal(textOf(answer.responses[2]?.responseRange?.kvs[0]?.value ?? b('')), '1');
      assert.equal(answer.responses[0]?.responsePut?.header.revision, header.revision + 1);
      const both = await client.range({ key: b('t'), rangeEnd: b('t3') });
      assert.deepEqual(
        new Set(both.kvs.map(({ modRevision }) => modRevision)),
        new Set([header.revision + 1]),
      );
    });

    test('an absent key compares as zeros, but has no value', async () => {
      const compare = async (one: NonNullable<TxnRequest['compare']>[number] | object): Promise<boolean> =>
        (await client.txn({ compare: [one] })).succeeded;
      assert.equal(await compare({ key: b('none'), target: CompareTarget.VERSION, version: 0 }), true);
      assert.equal(
        await compare({
          key: b('none'),
          target: CompareTarget.CREATE,
          result: CompareResult.LESS,
          createRevision: 1,
        }),
        true,
      );
      assert.equal(await compare({ key: b('none'), target: CompareTarget.VALUE, value: b('') }), false);
      assert.equal(
        await compare({
          key: b('none'),
          target: CompareTarget.VALUE,
          result: CompareResult.NOT_EQUAL,
          value: b('x'),
        }),
        false,
      );
      assert.equal(
        await compare({ key: b('t'), rangeEnd: b('t3'), target: CompareTarget.VALUE, value: b('1') }),
        true,
      );
      assert.equal(
        await compare({
          key: b('t'),
          rangeEnd: b('u'),
          target: CompareTarget.VERSION,
          result: CompareResult.GREATER,
          version: 1,
        }),
        false,
      );
    });

    test('nested transactions decide before anything is written', async () => {
      const nested: Init<RequestOp> = {
        requestTxn: {
          compare: [{ key: b('n'), target: CompareTarget.VERSION, version: 0 }],
          success: [put('nested', 'absent')],
          failure: [put('nested', 'present')],
        },
      };
      const answer = await client.txn({ success: [put('n', '1'), nested] });
      assert.equal(answer.responses[1]?.responseTxn?.succeeded, true);
      assert.equal(textOf((await client.range({ key: b('nested') })).kvs[0]?.value ?? b('')), 'absent');
    });

    test('put keeps value or lease on request, and gives the previous pair', async () => {
      await client.put({ key: b('p'), value: b('1') });
      const { prevKv } = await client.put({ key: b('p'), ignoreValue: true, prevKv: true });
      assert.equal(textOf(prevKv?.value ?? b('')), '1');
      const { kvs } = await client.range({ key: b('p') });
      assert.deepEqual([textOf(kvs[0]?.value ?? b('')), kvs[0]?.version], ['1', 2]);
    });

    test('refusals have the code and the words that clients know', async () => {
      const many = Array.from({ length: 129 }, (_, i) => put(`m${i}`, ''));
      const cases: [string, () => Promise<unknown>, [number, string]][] = [
        ['no key', () => client.put({ value: b('x') }), [3, 'etcdserver: key is not provided']],
        ['no key to read', () => client.range({}), [3, 'etcdserver: key is not provided']],
        [
          'value and ignore',
          () => client.put({ key: b('a'), value: b('x'), ignoreValue: true }),
          [3, 'etcdserver: value is provided'],
        ],
        [
          'lease and ignore',
          () => client.put({ key: b('a'), lease: 5, ignoreLease: true }),
          [3, 'etcdserver: lease is provided'],
        ],
        [
          'ignore on absent',
          () => client.put({ key: b('absent'), ignoreValue: true }),
          [3, 'etcdserver: key not found'],
        ],
        [
          'no such lease',
          () => client.put({ key: b('a'), lease: 12345 }),
          [5, 'etcdserver: requested lease not found'],
        ],
        [
          'too many ops',
          () => client.txn({ success: many }),
          [3, 'etcdserver: too many operations in txn request'],
        ],
        [
          'twice',
          () => client.txn({ success: [put('d', '1'), put('d', '2')] }),
          [3, 'etcdserver: duplicate key given in txn request'],
        ],
        [
          'put and delete',
          () => client.txn({ success: [put('d', '1'), del('c', 'e')] }),
          [3, 'etcdserver: duplicate key given in txn request'],
        ],
        [
          'future',
          () => client.range({ key: b('a'), revision: 1_000_000 }),
          [11, 'etcdserver: mvcc: required revision is a future revision'],
        ],
        [
          'future compaction',
          () => client.compact({ revision: 1_000_000 }),
          [11, 'etcdserver: mvcc: required revision is a future revision'],
        ],
        [
          'large',
          () => client.put({ key: b('big'), value: Buffer.alloc(1_600_000) }),
          [3, 'etcdserver: request is too large'],
        ],
        [
          'revoke nothing',
          () => client.leaseRevoke({ ID: 4711 }),
          [5, 'etcdserver: requested lease not found'],
        ],
        [
          'large TTL',
          () => client.leaseGrant({ TTL: 9_000_000_001 }),
          [11, 'etcdserver: too large lease TTL'],
        ],
        [
          'move to nobody',
          () => client.moveLeader(store.endpoints[0] ?? '', 42),
          [9, 'etcdserver: bad leader transferee'],
        ],
      ];
      // etcd 3.4 let it pass.
      if (target.name === 'etcd-lite') {
        cases.push([
          'sort',
          () => client.range({ key: b('a'), sortOrder: 9 }),
          [3, 'etcdserver: invalid sort option'],
        ]);
      }
      for (const [name, call, want] of cases) assert.deepEqual(await refusal(call()), want, name);
    });

    test('a transaction that reads a bad revision writes nothing', async () => {
      const failing = client.txn({
        success: [put('not-written', '1'), { requestRange: { key: b('a'), revision: 1_000_000 } }],
      });
      assert.deepEqual(await refusal(failing), [
        11,
        'etcdserver: mvcc: required revision is a future revision',
      ]);
      assert.deepEqual(await keysOf({ key: b('not-written') }), []);
    });

    test('compaction forgets what is older, keeps what is current, and is refused twice', async () => {
      await client.put({ key: b('c'), value: b('1') });
      const { header } = await client.put({ key: b('c'), value: b('2') });
      await client.put({ key: b('c'), value: b('3') });
      await client.compact({ revision: header.revision, physical: true });
      assert.deepEqual(await refusal(client.range({ key: b('c'), revision: header.revision - 1 })), [
        11,
        'etcdserver: mvcc: required revision has been compacted',
      ]);
      assert.equal(
        textOf((await client.range({ key: b('c'), revision: header.revision })).kvs[0]?.value ?? b('')),
        '2',
      );
      assert.deepEqual(await refusal(client.compact({ revision: header.revision })), [
        11,
        'etcdserver: mvcc: required revision has been compacted',
      ]);
    });
  });
}
