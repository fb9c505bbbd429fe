import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { Channel } from '@kubelab/rpc/client';
import {
  bytesOf,
  type CampaignResponse,
  etcdServices,
  type HealthCheckResponse,
  type LeaderResponse,
  type LockResponse,
  ServingStatus,
  textOf,
} from '@kubelab/rpc/etcd';
import type { TestStore } from '@kubelab/rpc/testing';
import { makeUsers, withAuth } from './testing/auth-users.ts';
import { RawClient } from './testing/raw-client.ts';
import { targets } from './testing/targets.ts';

const b = bytesOf;

for (const target of targets) {
  describe(`locks, elections and health of ${target.name}`, { skip: target.skip }, () => {
    let store: TestStore;
    let client: RawClient;
    let channel: Channel;
    before(async () => {
      store = await target.start();
      client = new RawClient(store.endpoints[0] ?? '');
      channel = new Channel(store.endpoints[0] ?? '');
    });
    after(async () => {
      client.close();
      channel.close();
      await store.stop();
    });

    async function lease(ID: number): Promise<number> {
      await client.call('Lease', 'LeaseGrant', { ID, TTL: 600 });
      return ID;
    }
    const lock = (name: string, ID: number): Promise<LockResponse> =>
      client.call('Lock', 'Lock', { name: b(name), lease: ID });
    const campaign = (name: string, ID: number, value: string): Promise<CampaignResponse> =>
      client.call('Election', 'Campaign', { name: b(name), lease: ID, value: b(value) });
    /** Keys that start with the text. */
    async function keys(prefix: string): Promise<string[]> {
      const { kvs } = await client.call<{ kvs: { key: Uint8Array }[] }>('KV', 'Range', {
        key: b(prefix),
        rangeEnd: b(`${prefix}\xff`),
      });
      return kvs.map(({ key }) => textOf(key));
    }

    test('a lock is a key below its name, called by the lease, and is there for one at a time', async () => {
      const [one, two, three] = [await lease(0xa1), await lease(0xa2), await lease(0xa3)];
      const first = await lock('l', one);
      assert.equal(textOf(first.key), 'l/a1');
      const order: string[] = [];
      const waiting = [];
      for (const [i, id] of [two, three].entries()) {
        waiting.push(lock('l', id).then(({ key }) => order.push(textOf(key))));
        await eventually('it is in the queue', async () => (await keys('l/')).length === i + 2);
      }
      assert.deepEqual(order, []);
      await client.call('Lock', 'Unlock', { key: first.key });
      await eventually('the next has it', () => order.length === 1);
      // The end of a lease frees its lock as well.
      await client.call('Lease', 'LeaseRevoke', { ID: two });
      await Promise.all(waiting);
      assert.deepEqual(order, ['l/a2', 'l/a3']);
    });

    test('who holds a lock gets it again, and without a lease a new one', async () => {
      const id = await lease(0xb1);
      const first = await lock('again', id);
      const second = await lock('again', id);
      assert.deepEqual(textOf(second.key), textOf(first.key));
      const own = await lock('own', 0);
      assert.match(textOf(own.key), /^own\/[0-9a-f]+$/);
    });

    test('who gives up waiting is out of the queue', async () => {
      await lock('q', await lease(0xc1));
      const id = await lease(0xc2);
      const leaving = new AbortController();
      const asked = channel.unary(
        etcdServices.Lock,
        'Lock',
        { name: b('q'), lease: id },
        { signal: leaving.signal },
      );
      await eventually('it is in the queue', async () => (await keys('q/')).length === 2);
      leaving.abort();
      await assert.rejects(asked);
      await eventually('it is out of it', async () => (await keys('q/')).length === 1);
    });

    test('a lease that is not there holds nothing', async () => {
      const outcome = await client.outcome('Lock', 'Lock', { name: b('x'), lease: 4711 });
      assert.match(outcome, /etcdserver: requested lease not found$/);
    });

    test('one is elected, proclaims, and is followed by the next when it resigns', async () => {
      const [one, two] = [await lease(0xd1), await lease(0xd2)];
      const nobody = await client.outcome('Election', 'Leader', { name: b('e') });
      assert.equal(nobody, 'UNKNOWN election: no leader');

      const seen: string[] = [];
      const observed = channel.serverStream<LeaderResponse>(etcdServices.Election, 'Observe', {
        name: b('e'),
      });
      observed.on('data', ({ kv }: LeaderResponse) => seen.push(`${textOf(kv.key)}=${textOf(kv.value)}`));
      observed.on('error', () => undefined);

      const { leader } = await campaign('e', one, 'first');
      assert.equal(textOf(leader.key), 'e/d1');
      const next = campaign('e', two, 'second');
      await eventually('it stands for election', async () => (await keys('e/')).length === 2);
      await client.call('Election', 'Proclaim', { leader, value: b('changed') });
      const { kv } = await client.call<LeaderResponse>('Election', 'Leader', { name: b('e') });
      assert.deepEqual([textOf(kv.value), kv.createRevision], ['changed', leader.rev]);
      await eventually('it was seen', () => seen.includes('e/d1=changed'));

      await client.call('Election', 'Resign', { leader });
      assert.equal(textOf((await next).leader.key), 'e/d2');
      await eventually('the next was seen', () => seen.at(-1) === 'e/d2=second');
      assert.deepEqual(seen, ['e/d1=first', 'e/d1=changed', 'e/d2=second']);
      assert.equal(
        await client.outcome('Election', 'Proclaim', { leader, value: b('late') }),
        'UNKNOWN election: not leader',
      );
      assert.equal(await client.outcome('Election', 'Resign', { leader }), 'OK');
      observed.cancel();
    });

    test('who stands again may have changed the value', async () => {
      const id = await lease(0xe1);
      await campaign('v', id, 'one');
      const { leader } = await campaign('v', id, 'two');
      const { kv } = await client.call<LeaderResponse>('Election', 'Leader', { name: b('v') });
      assert.deepEqual([textOf(kv.value), kv.createRevision], ['two', leader.rev]);
    });

    test('who does not say whom is told to', async () => {
      for (const rpc of ['Proclaim', 'Resign'])
        assert.equal(await client.outcome('Election', rpc), 'UNKNOWN "leader" field must be provided');
    });

    test('a lock needs the rights to its key', async () => {
      await makeUsers(client);
      const id = await lease(0xf1);
      await withAuth(client, async () => {
        const both = await client.login('both', 'both-pw');
        assert.equal(await client.outcome('Lock', 'Lock', { name: b('bl'), lease: id }, both), 'OK');
        const refused = await client.outcome('Lock', 'Lock', { name: b('other'), lease: id }, both);
        assert.match(refused, /etcdserver: permission denied$/);
        const leases = async (): Promise<unknown[]> => {
          const root = await client.login('root', 'root-pw');
          return (await client.call<{ leases: unknown[] }>('Lease', 'LeaseLeases', {}, root)).leases;
        };
        const before = await leases();
        const nobodys = await client.outcome('Lock', 'Lock', { name: b('bl') });
        assert.match(nobodys, /etcdserver: user name is empty$/);
        // 3.4 leaves a lease behind.
        if (target.name !== 'etcd') assert.equal((await leases()).length, before.length);
      });
    });

    test('gRPC health checks find the server serving, and no service by name', async () => {
      const { status } = await client.call<HealthCheckResponse>('Health', 'Check');
      assert.equal(status, ServingStatus.SERVING);
      assert.equal(
        await client.outcome('Health', 'Check', { service: 'etcdserverpb.KV' }),
        'NOT_FOUND unknown service',
      );
      const watched = channel.serverStream<HealthCheckResponse>(etcdServices.Health, 'Watch', {});
      const said = new Promise<HealthCheckResponse>((resolve) => watched.once('data', resolve));
      watched.on('error', () => undefined);
      assert.equal((await said).status, ServingStatus.SERVING);
      watched.cancel();
    });
  });
}
