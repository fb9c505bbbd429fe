import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import type { LeaseId } from '@kubelab/rpc/etcd';
import { Lessor } from '../core/lessor.ts';
import { LeaseExpiry } from './lease-expiry.ts';

class World {
  readonly clock = new FakeClock();
  readonly lessor = new Lessor();
  readonly revoked: LeaseId[] = [];
  readonly written: { ID: LeaseId; remainingTtl: number }[] = [];
  isConfirmed = true;
  readonly expiry = new LeaseExpiry({
    clock: this.clock,
    log: silentLogger,
    leases: () => this.lessor.all(),
    lease: (id) => this.lessor.get(id),
    confirmLeadership: () => (this.isConfirmed ? Promise.resolve() : Promise.reject(new Error('deposed'))),
    revoke: (id) => {
      this.revoked.push(id);
      this.lessor.revoke(id);
      this.expiry.revoked(id);
      return Promise.resolve();
    },
    checkpoint: (leases) => {
      this.written.push(...leases);
      for (const { ID, remainingTtl } of leases) this.lessor.checkpoint(ID, remainingTtl);
      return Promise.resolve();
    },
  });
  grant(id: number, ttl: number): void {
    this.expiry.granted(this.lessor.grant(id, ttl));
  }
}

describe('the clock of the leases', () => {
  test('a lease is revoked when its time is over, not before, and a renewal gives it all its time again', async () => {
    const world = new World();
    world.expiry.lead(0);
    world.grant(1, 10);
    world.grant(2, 10);
    await world.clock.advance(9000);
    assert.equal(world.expiry.renew(2), 10);
    await world.clock.advance(1100);
    assert.deepEqual(world.revoked, [1]);
    await world.clock.advance(8000);
    assert.deepEqual(world.revoked, [1, 2].slice(0, 1));
    await world.clock.advance(1100);
    assert.deepEqual(world.revoked, [1, 2]);
    assert.equal(world.expiry.renew(2), 0);
  });

  test('LEASE-2 nobody is revoked by a leader that cannot confirm that it still leads', async () => {
    const world = new World();
    world.expiry.lead(0);
    world.grant(1, 2);
    world.isConfirmed = false;
    await world.clock.advance(10_000);
    assert.deepEqual(world.revoked, []);
    world.isConfirmed = true;
    await world.clock.advance(1000);
    assert.deepEqual(world.revoked, [1]);
  });

  test('a follower revokes nothing, and a new leader counts anew', async () => {
    const world = new World();
    world.lessor.grant(1, 5);
    await world.clock.advance(20_000);
    assert.deepEqual(world.revoked, []);
    world.expiry.lead(1000);
    await world.clock.advance(5900);
    assert.deepEqual(world.revoked, []);
    await world.clock.advance(200);
    assert.deepEqual(world.revoked, [1]);
  });

  test('the rest of long leases is written down, and the next leader goes on from there', async () => {
    const world = new World();
    world.expiry.lead(0);
    world.grant(1, 3600);
    await world.clock.advance(5 * 60_000);
    assert.deepEqual(world.written, [{ ID: 1, remainingTtl: 3300 }]);
    world.expiry.lead(0);
    assert.equal(world.expiry.remaining(1), 3300);
    world.expiry.renew(1);
    assert.deepEqual(world.written.at(-1), { ID: 1, remainingTtl: 0 });
  });
});
