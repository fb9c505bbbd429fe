import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import { type RangeRequest, type RangeResponse, SortOrder, SortTarget } from '@kubelab/rpc/etcd';
import fc from 'fast-check';
import { MvccStore } from './mvcc-store.ts';
import { checkRangeStream, rangeParts } from './range-parts.ts';
import { executeRange } from './range.ts';

const request = (given: Partial<RangeRequest>): RangeRequest => ({
  key: Buffer.from('k'),
  rangeEnd: Buffer.from('l'),
  limit: 0,
  revision: 0,
  sortOrder: SortOrder.NONE,
  sortTarget: SortTarget.KEY,
  serializable: false,
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
  ...given,
});

function put(store: MvccStore, key: string, value: string | Uint8Array): void {
  const txn = store.begin();
  txn.put(key, Buffer.from(value), 0);
  txn.commit();
}

function remove(store: MvccStore, start: string, end?: string): void {
  const txn = store.begin();
  txn.deleteRange({ start, end });
  txn.commit();
}

/** 3000 keys of 100 bytes, some of them changed or deleted: several parts. */
function filled(): MvccStore {
  const store = new MvccStore();
  for (let i = 0; i < 3000; i++) put(store, `k${String(i).padStart(5, '0')}`, 'v'.repeat(100));
  for (let i = 0; i < 3000; i += 7) put(store, `k${String(i).padStart(5, '0')}`, 'again');
  remove(store, 'k001', 'k002');
  return store;
}

/** What a client that merges all parts has. */
function merged(parts: Iterable<Init<RangeResponse>>): object {
  const kvs: object[] = [];
  let last: Init<RangeResponse> | undefined;
  for (const part of parts) {
    assert.equal(last?.header, undefined, 'only the last part has a header');
    last = part;
    for (const kv of part.kvs ?? []) kvs.push(plain(kv));
  }
  const { header, more = false, count } = must(last);
  return { revision: header?.revision, more, count, kvs };
}

const plain = ({ key, modRevision, value }: NonNullable<Init<RangeResponse>['kvs']>[number]): object => ({
  key: Buffer.from(key ?? []).toString('latin1'),
  modRevision,
  value: Buffer.from(value ?? []).toString('latin1'),
});

function whole({ header, more = false, count, kvs = [] }: Init<RangeResponse>): object {
  return { revision: header?.revision, more, count, kvs: kvs.map(plain) };
}

describe('a range in parts', () => {
  test('is what Range answers, for any range, limit and revision', () => {
    const store = filled();
    const key = fc.constantFrom('k', 'k00', 'k00150', 'k02999', 'k9', 'a', 'k00007');
    const given = fc.record({
      key: key.map((text) => Buffer.from(text)),
      rangeEnd: fc.constantFrom('', '\0', 'l', 'k002', 'k00150').map((text) => Buffer.from(text)),
      limit: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(3000)),
      revision: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: store.revision })),
      keysOnly: fc.boolean(),
      countOnly: fc.boolean(),
    });
    fc.assert(
      fc.property(given, (fields) => {
        const asked = request(fields);
        assert.deepEqual(merged(rangeParts(store, asked)), whole(executeRange(store, asked)));
      }),
      { numRuns: 150 },
    );
  });

  test('comes in several parts, none of them large, but for a key that is large alone', () => {
    const store = filled();
    put(store, 'k00500', Buffer.alloc(1_000_000));
    const parts = [...rangeParts(store, request({}))];
    assert.ok(parts.length > 3);
    for (const { kvs = [] } of parts) assert.ok(kvs.length <= 1000);
    const single = request({ key: Buffer.from('k00500'), rangeEnd: Buffer.alloc(0) });
    put(store, 'k00500\0', 'the next key');
    assert.deepEqual(merged(rangeParts(store, single)), whole(executeRange(store, single)));
  });

  test('is of one revision, whatever is written between two parts', () => {
    const store = filled();
    const expected = whole(executeRange(store, request({})));
    function* disturbed(): Generator<Init<RangeResponse>> {
      for (const part of rangeParts(store, request({}))) {
        yield part;
        put(store, 'k02998', 'new');
        put(store, 'k00000-new', 'new');
        remove(store, 'k025', 'k026');
      }
    }
    assert.deepEqual(merged(disturbed()), expected);
  });

  test('ends with an error when its revision is compacted meanwhile, or is none', () => {
    const store = filled();
    const parts = rangeParts(store, request({}));
    parts.next();
    put(store, 'k', 'new');
    store.compact(store.revision);
    assert.throws(() => [...parts], /required revision has been compacted/);
    assert.throws(() => [...rangeParts(store, request({ revision: 9999 }))], /future revision/);
  });

  test("what needs all keys at once is not implemented, in etcd's words", () => {
    const descending = request({ sortOrder: SortOrder.DESCEND });
    const byVersion = request({ sortOrder: SortOrder.ASCEND, sortTarget: SortTarget.VERSION });
    for (const asked of [descending, byVersion]) {
      const details = 'RangeStream does not support custom sort orders';
      assert.throws(() => checkRangeStream(asked), { code: 12, details });
    }
    for (const name of ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision']) {
      const details = 'RangeStream does not support revision filters';
      assert.throws(() => checkRangeStream(request({ [name]: 1 })), { code: 12, details });
    }
    checkRangeStream(request({ sortOrder: SortOrder.ASCEND }));
    checkRangeStream(request({ sortTarget: SortTarget.MOD }));
  });
});
