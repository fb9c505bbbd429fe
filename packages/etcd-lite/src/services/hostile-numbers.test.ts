import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { type CallInfo, RpcError, type UnaryHandler } from '@kubelab/rpc';
import {
  bytesOf,
  CompareResult,
  CompareTarget,
  etcdServices,
  type RangeRequest,
  type TxnRequest,
  type WatchRequest,
} from '@kubelab/rpc/etcd';
import { executeRange } from '../core/range.ts';
import type { Member } from '../shell/member.ts';
import { loneMember } from '../testing/lone-member.ts';
import { bindServices } from './bind.ts';
import { WatchSession } from './watch.ts';

const EXTREMES = [-(2n ** 63n), -(2n ** 53n), -1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n];
const key = bytesOf('k');
const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const put = { requestPut: { key, value: key } };

/** As it comes off the wire. */
function received(service: keyof typeof etcdServices, rpc: string, request: object): unknown {
  const { requestSerialize, requestDeserialize } = must(etcdServices[service][rpc]);
  return requestDeserialize(requestSerialize(request));
}

/** Requests with `n` wherever the API has a 64-bit number. */
function requestsWith(
  n: bigint,
): readonly (readonly [service: keyof typeof etcdServices, rpc: string, request: object])[] {
  const fields = [
    'limit',
    'revision',
    'minModRevision',
    'maxModRevision',
    'minCreateRevision',
    'maxCreateRevision',
  ];
  const ranges = fields.map((field) => ({ ...all, [field]: n }));
  const compares = Object.values(CompareTarget).map((target) => ({
    ...{ key, target, version: n, createRevision: n, modRevision: n, lease: n },
  }));
  // Only what stands last in a oneof is sent.
  const compared = compares.map(({ target, ...rest }) => {
    const names = ['version', 'createRevision', 'modRevision', 'value', 'lease'] as const;
    const name = must(names[target]);
    return { key, target, [name]: name === 'value' ? key : rest[name] };
  });
  return [
    ...ranges.map((request) => ['KV', 'Range', request] as const),
    ...ranges.map((requestRange) => ['KV', 'Txn', { success: [{ requestRange }, put] }] as const),
    ...compared.map(
      (compare) => ['KV', 'Txn', { compare: [compare], success: [put], failure: [put] }] as const,
    ),
    ['KV', 'Put', { key, value: key, lease: n }],
    ['KV', 'Compact', { revision: n }],
    ['Lease', 'LeaseGrant', { ID: n, TTL: 10 }],
    ['Lease', 'LeaseGrant', { TTL: n }],
    ['Lease', 'LeaseTimeToLive', { ID: n, keys: true }],
    ['Lease', 'LeaseRevoke', { ID: n }],
    ['Maintenance', 'HashKV', { revision: n }],
    ['Maintenance', 'MoveLeader', { targetID: n }],
    ['Maintenance', 'Alarm', { action: 2, alarm: 1, memberID: n }],
    ['Cluster', 'MemberRemove', { ID: n }],
    ['Cluster', 'MemberPromote', { ID: n }],
    ['Cluster', 'MemberUpdate', { ID: n, peerURLs: ['http://127.0.0.1:1'] }],
    ['Election', 'Proclaim', { leader: { key, rev: n, lease: n }, value: key }],
    ['Election', 'Resign', { leader: { key, rev: n, lease: n } }],
  ];
}

describe('numbers that JavaScript has no number for', () => {
  const handlers = new Map<string, UnaryHandler<unknown, unknown>>();
  let member: Member;

  before(async () => {
    member = await loneMember();
    bindServices(
      {
        addService: (definition, { unary = {} }) => {
          for (const [rpc, handler] of Object.entries(unary))
            handlers.set(must(definition[rpc]).path, handler as UnaryHandler<unknown, unknown>);
        },
      },
      member,
      { progressIntervalMs: 600_000 },
    );
    await member.propose({ put: { key, value: key } });
  });
  after(() => member.stop());

  for (const n of EXTREMES) {
    test(`${n} is answered, or refused, and ends nothing`, async () => {
      for (const [service, rpc, request] of requestsWith(n)) {
        const method = must(etcdServices[service][rpc]);
        const handler = must(handlers.get(method.path));
        const call = {
          path: method.path,
          header: () => undefined,
          signal: AbortSignal.timeout(5000),
          peer: '',
        };
        const asked = received(service, rpc, request);
        try {
          method.responseSerialize(await handler(asked, call as unknown as CallInfo));
        } catch (error) {
          assert.ok(error instanceof RpcError, `${rpc}: ${String(error)}`);
        }
      }
    });
  }

  test('a limit beyond all keys is none, and what is compared with is more than any revision', async () => {
    const asked = received('KV', 'Range', { ...all, limit: 2n ** 63n - 1n }) as RangeRequest;
    const { kvs } = executeRange(member.machine.store, asked);
    assert.ok((kvs?.length ?? 0) > 0);
    const compare = { key, target: CompareTarget.MOD, result: CompareResult.LESS, modRevision: 2n ** 62n };
    const { succeeded } = (await member.propose({
      txn: received('KV', 'Txn', { compare: [compare] }) as TxnRequest,
    })) as {
      succeeded?: boolean;
    };
    assert.equal(succeeded, true);
  });

  test('a watch from beyond all revisions outlives a state that is restored', () => {
    const sent: object[] = [];
    const session = new WatchSession(member, { send: (response) => sent.push(response) > 0 }, 600_000);
    const createRequest = { key, startRevision: 2n ** 62n };
    session.request(received('Watch', 'Watch', { createRequest }) as WatchRequest);
    member.watches.beforeRestore();
    member.watches.restored();
    session.close();
    assert.equal(sent.length, 1);
  });

  test('what is no URL is not written into the log as one', async () => {
    const update = must(handlers.get('/etcdserverpb.Cluster/MemberUpdate'));
    const call = { path: '', header: () => undefined } as unknown as CallInfo;
    for (const peerURLs of [[], ['garbage'], ['http://x:99999'], ['']]) {
      await assert.rejects(async () => update({ ID: member.membership.id, peerURLs }, call), {
        reason: 'memberBadUrls',
      });
    }
  });
});
