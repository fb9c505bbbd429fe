import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf, type RangeRequest, SortOrder, SortTarget } from '@kubelab/rpc/etcd';
import { BothStores } from './testing/both.ts';

/**
 * What `differential.e2e.test.ts` leaves out because its data leaves the order open: every order by every field, with
 * limits and filters. And leases, whose seconds run on: those are compared to the second before.
 */
const b = bytesOf;
const SEED = Number(process.env['SEED'] ?? 1);
const KEYS = 12;
const RANGES = 600;
const { skip } = BothStores;

describe('answered as a real etcd answers it', { skip }, () => {
  let both: BothStores;
  before(async () => {
    both = await BothStores.start();
  });
  after(() => both.stop());

  /** The same on both, with the same answers. */
  async function same(what: string, call: (client: EtcdClient) => Promise<unknown>): Promise<void> {
    const [theirs, ours] = await both.outcomes(call);
    assert.deepEqual(withoutSeconds(ours), withoutSeconds(theirs), what);
  }

  test(`${RANGES} ranges in every order, with limits and filters (SEED=${SEED})`, async () => {
    // No two keys agree in version, revisions or value, and each field has an order of its own.
    const order = [7, 2, 9, 0, 11, 4, 1, 8, 3, 10, 5, 6];
    for (const client of both.clients) {
      for (const n of order) await client.put({ key: b(`k${n}`), value: b(`v${(n * 7) % KEYS}`) });
      for (const n of order.toReversed())
        for (let i = 0; i < (n * 5) % KEYS; i++)
          await client.put({ key: b(`k${n}`), value: b(`v${(n * 7) % KEYS}`) });
    }
    const { header } = await both.clients[0].range({ key: b('k') });
    const random = seededRandom(SEED);
    for (let i = 0; i < RANGES; i++) {
      const request = randomRange(random, header.revision);
      await same(`range ${JSON.stringify(request)}`, (client) => client.range(request));
    }
  });

  test('leases: granted, attached, asked for, listed, revoked', async () => {
    const steps: readonly [string, (client: EtcdClient) => Promise<unknown>][] = [
      ['grant', (client) => client.leaseGrant({ ID: 100, TTL: 500 })],
      ['grant a short one', (client) => client.leaseGrant({ ID: 101, TTL: 1 })],
      ['grant none', (client) => client.leaseGrant({ ID: 102, TTL: 0 })],
      ['grant a negative one', (client) => client.leaseGrant({ ID: 103, TTL: -5 })],
      ['grant a negative id', (client) => client.leaseGrant({ ID: -9, TTL: 500 })],
      ['grant the longest', (client) => client.leaseGrant({ ID: 104, TTL: 9_000_000_000 })],
      ['grant it again', (client) => client.leaseGrant({ ID: 104, TTL: 10 })],
      ['put b', (client) => client.put({ key: b('l/b'), value: b('1'), lease: 100 })],
      ['put a', (client) => client.put({ key: b('l/a'), value: b('1'), lease: 100 })],
      ['ask', (client) => client.leaseTimeToLive({ ID: 100, keys: true })],
      ['ask without keys', (client) => client.leaseTimeToLive({ ID: 100 })],
      ['ask for none', (client) => client.leaseTimeToLive({ ID: 4711, keys: true })],
      ['keep alive', (client) => client.leaseKeepAlive(100)],
      ['keep none alive', (client) => client.leaseKeepAlive(4711)],
      ['move a', (client) => client.put({ key: b('l/a'), value: b('2'), lease: 104, prevKv: true })],
      [
        'keep the lease of a',
        (client) => client.put({ key: b('l/a'), value: b('3'), ignoreLease: true, prevKv: true }),
      ],
      ['ask where b hangs', (client) => client.leaseTimeToLive({ ID: 100, keys: true })],
      ['ask where a hangs', (client) => client.leaseTimeToLive({ ID: 104, keys: true })],
      [
        'compare leases',
        (client) => client.txn({ compare: [{ key: b('l/a'), target: 4, lease: 104 }], success: [] }),
      ],
      ['revoke', (client) => client.leaseRevoke({ ID: 100 })],
      ['b is gone', (client) => client.range({ key: b('l/'), rangeEnd: b('l0') })],
      ['delete a', (client) => client.deleteRange({ key: b('l/a'), prevKv: true })],
      ['nothing hangs on it', (client) => client.leaseTimeToLive({ ID: 104, keys: true })],
      [
        'list',
        async (client) =>
          (await client.leaseLeases()).leases.map(({ ID }) => Number(ID)).filter((id) => id === 104),
      ],
      ['revoke the longest', (client) => client.leaseRevoke({ ID: 104 })],
      ['revoke the negative id', (client) => client.leaseRevoke({ ID: -9 })],
    ];
    for (const [name, step] of steps) await same(name, step);
  });
});

function randomRange(random: Random, revision: number): Init<RangeRequest> {
  const bound = (): number => (random.int(4) === 0 ? 1 + random.int(revision) : 0);
  return {
    key: b(`k${random.int(3) === 0 ? random.int(KEYS) : ''}`),
    rangeEnd: b('l'),
    limit: random.int(3) === 0 ? random.int(KEYS + 2) : 0,
    revision: random.int(4) === 0 ? 2 + random.int(revision - 2) : 0,
    sortOrder: [SortOrder.NONE, SortOrder.ASCEND, SortOrder.DESCEND][random.int(3)] ?? 0,
    sortTarget: Object.values(SortTarget)[random.int(5)] ?? 0,
    keysOnly: random.int(5) === 0,
    countOnly: random.int(9) === 0,
    minModRevision: bound(),
    maxModRevision: bound(),
    minCreateRevision: bound(),
    maxCreateRevision: bound(),
  };
}

/** A lease that has run for some tenths of a second may have a second less here or there; its keys have no order. */
function withoutSeconds(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('TTL' in answer) || !('grantedTTL' in answer))
    return answer;
  const { TTL, grantedTTL } = answer;
  const isRunning = Number(TTL) > Number(grantedTTL) - 30 && Number(TTL) > 0;
  const keys = 'keys' in answer && Array.isArray(answer.keys) ? new Set(answer.keys) : undefined;
  return { ...answer, TTL: isRunning ? 'runs' : TTL, keys };
}
