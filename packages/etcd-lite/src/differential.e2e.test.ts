import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf, prefixEnd, type RangeRequest, type RequestOp, type TxnRequest } from '@kubelab/rpc/etcd';
import { isInRange, keyRange, type KeyRange, keyText, type KeyText } from './core/keys.ts';
import { BothStores, isRefusal, plain } from './testing/both.ts';

/** The same random requests to etcd and to us: every response must be the same, whole, refusals included. */
const SEED = Number(process.env['SEED'] ?? 1);
const REQUESTS = Number(process.env['REQUESTS'] ?? 1500);
const { skip } = BothStores;

let both: BothStores;
before(async () => {
  if (skip === false) both = await BothStores.start();
});
after(async () => {
  if (skip === false) await both.stop();
});

test(`${REQUESTS} random requests (SEED=${SEED}) are answered as etcd answers them`, { skip }, async () => {
  const random = seededRandom(SEED);
  let revision = 1;
  for (let i = 0; i < REQUESTS; i++) {
    const [name, call] = randomRequest(random, revision);
    const [theirs, ours] = await both.outcomes(call);
    // Of several reasons to refuse a transaction, releases of etcd name different ones first.
    if (name.startsWith('txn') && isRefusal(ours) && isRefusal(theirs)) continue;
    assert.deepEqual(ours, theirs, `request ${i}: ${name}; replay with SEED=${SEED}`);
    revision = (await both.clients[0].range({ key: bytesOf('x') })).header.revision;
  }
});

type Call = (client: EtcdClient) => Promise<unknown>;

function randomRequest(random: Random, revision: number): [string, Call] {
  const kind = random.int(100);
  if (kind < 25) {
    const request = randomPut(random);
    return [`put ${show(request)}`, (client) => client.put(request)];
  }
  if (kind < 55) {
    const request = randomRange(random, revision);
    return [`range ${show(request)}`, (client) => client.range(request)];
  }
  if (kind < 67) {
    const request = { ...randomKeys(random), prevKv: random.int(2) === 0 };
    return [`delete ${show(request)}`, (client) => client.deleteRange(request)];
  }
  if (kind < 97) {
    let request = randomTxn(random, revision, 0);
    while (putsThenDeletes(request)) request = randomTxn(random, revision, 0);
    return [`txn ${show(request)}`, (client) => client.txn(request)];
  }
  const request = { revision: random.int(revision + 3), physical: true };
  return [`compact ${show(request)}`, (client) => client.compact(request)];
}

function randomKey(random: Random): Uint8Array {
  return bytesOf(
    ['a', 'a/1', 'a/2', 'a/3', 'b', 'b/1', 'c', ''][random.int(random.int(20) === 0 ? 8 : 7)] ?? 'a',
  );
}

function randomKeys(random: Random): { key: Uint8Array; rangeEnd?: Uint8Array } {
  const key = randomKey(random);
  switch (random.int(4)) {
    case 0:
      return { key, rangeEnd: prefixEnd(key) };
    case 1:
      return { key, rangeEnd: random.int(3) === 0 ? Uint8Array.of(0) : randomKey(random) };
    default:
      return { key };
  }
}

/** etcd overlooks that an open-ended deletion overlaps with puts of the same transaction; we refuse that. */
function randomKeysWithEnd(random: Random): ReturnType<typeof randomKeys> {
  for (;;) {
    const keys = randomKeys(random);
    if (keys.rangeEnd === undefined || keys.rangeEnd[0] !== 0) return keys;
  }
}

function randomPut(random: Random): NonNullable<Init<RequestOp>['requestPut']> {
  return {
    key: randomKey(random),
    value: bytesOf(random.int(8) === 0 ? '' : `v${random.int(5)}`),
    prevKv: random.int(2) === 0,
    ignoreValue: random.int(12) === 0,
    ignoreLease: random.int(12) === 0,
    lease: random.int(30) === 0 ? 99 : 0,
  };
}

function randomRange(random: Random, revision: number): Init<RangeRequest> {
  return {
    ...randomKeys(random),
    limit: random.int(3) === 0 ? random.int(4) : 0,
    revision: random.int(4) === 0 ? random.int(revision + 2) : 0,
    sortOrder: random.int(4) === 0 ? random.int(3) : 0,
    // Equal values, versions and revisions have no defined order in etcd: only keys are told apart for sure.
    sortTarget: 0,
    serializable: random.int(3) === 0,
    keysOnly: random.int(5) === 0,
    countOnly: random.int(6) === 0,
    minModRevision: random.int(8) === 0 ? random.int(revision) : 0,
    maxModRevision: random.int(8) === 0 ? random.int(revision) : 0,
    minCreateRevision: random.int(8) === 0 ? random.int(revision) : 0,
    maxCreateRevision: random.int(8) === 0 ? random.int(revision) : 0,
  };
}

function randomTxn(random: Random, revision: number, depth: number): Init<TxnRequest> {
  const op = (): Init<RequestOp> => {
    const kind = random.int(depth < 2 ? 10 : 9);
    if (kind < 4) return { requestPut: randomPut(random) };
    if (kind < 7) return { requestRange: randomRange(random, revision) };
    if (kind < 9)
      return { requestDeleteRange: { ...randomKeysWithEnd(random), prevKv: random.int(2) === 0 } };
    return { requestTxn: randomTxn(random, revision, depth + 1) };
  };
  const ops = (): Init<RequestOp>[] => Array.from({ length: random.int(4) }, op);
  return {
    compare: Array.from({ length: random.int(3) }, () => {
      const target = random.int(4);
      const value = random.int(3) === 0 ? revision - random.int(5) : random.int(3);
      const fields = [
        { version: value },
        { createRevision: value },
        { modRevision: value },
        { value: bytesOf(`v${random.int(5)}`) },
      ];
      return { ...randomKeys(random), target, result: random.int(4), ...fields[target] };
    }),
    success: ops(),
    failure: ops(),
  };
}

/** etcd takes a transaction of which a nested one puts a key and a later one deletes it; we refuse that. */
function putsThenDeletes({ success = [], failure = [] }: Init<TxnRequest>): boolean {
  return [success, failure].some((ops) => {
    const puts: KeyText[] = [];
    return ops.some(({ requestTxn }) => {
      if (requestTxn === undefined || requestTxn === null) return false;
      const { put, deleted } = writesWithin(requestTxn);
      const isBoth = puts.some((key) => deleted.some((range) => isInRange(range, key)));
      puts.push(...put);
      return isBoth || putsThenDeletes(requestTxn);
    });
  });
}

/** In whichever branch, at whichever depth. */
function writesWithin({ success = [], failure = [] }: Init<TxnRequest>): {
  readonly put: readonly KeyText[];
  readonly deleted: readonly KeyRange[];
} {
  const put: KeyText[] = [];
  const deleted: KeyRange[] = [];
  for (const { requestPut, requestDeleteRange, requestTxn } of [...success, ...failure]) {
    if (requestPut) put.push(keyText(requestPut.key ?? EMPTY));
    if (requestDeleteRange)
      deleted.push(keyRange(requestDeleteRange.key ?? EMPTY, requestDeleteRange.rangeEnd ?? EMPTY));
    if (!requestTxn) continue;
    const within = writesWithin(requestTxn);
    put.push(...within.put);
    deleted.push(...within.deleted);
  }
  return { put, deleted };
}

const EMPTY = new Uint8Array();

function show(request: unknown): string {
  return JSON.stringify(plain(request));
}
