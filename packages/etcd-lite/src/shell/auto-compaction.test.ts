import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { EtcdError } from '../core/errors.ts';
import { AutoCompaction, type AutoCompactionOptions } from './auto-compaction.ts';

const MINUTE_MS = 60_000;

class World {
  readonly clock = new FakeClock();
  readonly compacted: number[] = [];
  revision = 1;
  isLeader = true;
  error: Error | undefined;
  readonly compaction: AutoCompaction;

  constructor(setting: AutoCompactionOptions['setting']) {
    this.compaction = new AutoCompaction({
      setting,
      clock: this.clock,
      log: silentLogger,
      isLeader: () => this.isLeader,
      revision: () => this.revision,
      compact: (revision) => {
        this.compacted.push(revision);
        return this.error === undefined ? Promise.resolve() : Promise.reject(this.error);
      },
    });
  }

  /** A write a minute. */
  async minutes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.revision++;
      await this.clock.advance(MINUTE_MS);
    }
  }
}

suite('automatic compaction', () => {
  test('by age: every retention time, to where the store was a retention time ago', async () => {
    const world = new World({ mode: 'periodic', retentionMs: 10 * MINUTE_MS });
    await world.minutes(9);
    assert.deepEqual(world.compacted, []);
    await world.minutes(21);
    assert.deepEqual(world.compacted, [1, 10, 20]);
    world.compaction.stop();
    assert.equal(world.clock.pendingTimers, 0);
  });

  test('by age over an hour: first after the retention time, then every hour', async () => {
    const world = new World({ mode: 'periodic', retentionMs: 180 * MINUTE_MS });
    await world.minutes(179);
    assert.deepEqual(world.compacted, []);
    await world.minutes(121);
    assert.equal(world.compacted.length, 3);
    const [first = 0, second = 0, third = 0] = world.compacted;
    assert.equal(first, 1);
    assert.ok(Math.abs(second - 60) <= 7 && Math.abs(third - 120) <= 7, String(world.compacted));
    world.compaction.stop();
  });

  test('by number: every five minutes, if there are that many', async () => {
    const world = new World({ mode: 'revision', retention: 7 });
    await world.minutes(5);
    assert.deepEqual(world.compacted, []);
    await world.minutes(10);
    assert.deepEqual(world.compacted, [4, 9]);
    await world.clock.advance(15 * MINUTE_MS);
    assert.deepEqual(world.compacted, [4, 9], 'nothing was written meanwhile');
    world.compaction.stop();
  });

  test('only a leader compacts, but each member knows what it will have to do as one', async () => {
    const world = new World({ mode: 'periodic', retentionMs: 10 * MINUTE_MS });
    world.isLeader = false;
    await world.minutes(30);
    assert.deepEqual(world.compacted, []);
    world.isLeader = true;
    await world.minutes(1);
    assert.deepEqual(world.compacted, [21]);
    world.compaction.stop();
  });

  test('a failure is tried again after a tenth of the time; one that had been done by others is none', async () => {
    const world = new World({ mode: 'periodic', retentionMs: 10 * MINUTE_MS });
    world.error = new EtcdError('noLeader');
    await world.minutes(12);
    assert.equal(world.compacted.length, 3);
    world.error = new EtcdError('compacted');
    await world.minutes(5);
    assert.equal(world.compacted.length, 4);
    world.compaction.stop();
  });
});
