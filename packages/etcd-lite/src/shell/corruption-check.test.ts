import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { EtcdError } from '../core/errors.ts';
import { CorruptionCheck, type MemberHash } from './corruption-check.ts';

const SOUND: MemberHash = { hash: 7, compactRevision: 3, revision: 10 };

class World {
  readonly clock = new FakeClock();
  readonly others: Record<string, MemberHash | Error>;
  isLeader = true;
  alarms = 0;
  own = SOUND;
  readonly check: CorruptionCheck;

  constructor(others: Record<string, MemberHash | Error>) {
    this.others = others;
    this.check = new CorruptionCheck({
      clock: this.clock,
      log: silentLogger,
      isLeader: () => this.isLeader,
      own: () => Promise.resolve(this.own),
      others: () => Object.keys(this.others),
      ask: (id) => {
        const answer = this.others[id];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? SOUND);
      },
      linearize: () => {
        this.own = { ...this.own, revision: 12 };
        return Promise.resolve();
      },
      alarm: () => Promise.resolve(this.alarms++),
    });
  }
}

const behind = new EtcdError('futureRevision');

suite('comparing members', () => {
  const leaders: readonly (readonly [string, Record<string, MemberHash | Error>, number])[] = [
    ['equal hashes are fine', { b: SOUND, c: SOUND }, 0],
    ['another hash is an alarm', { b: SOUND, c: { ...SOUND, hash: 8 } }, 1],
    ['one that has compacted less cannot be compared', { b: { ...SOUND, hash: 8, compactRevision: 2 } }, 0],
    ['one that has compacted more than the leader is an alarm', { b: { ...SOUND, compactRevision: 4 } }, 1],
    ['one that is ahead, but not of the leader by then', { b: { ...SOUND, revision: 12 } }, 0],
    ['one that is ahead of the leader is an alarm', { b: { ...SOUND, revision: 13 } }, 1],
    ['one that is behind, or away, says nothing', { b: behind, c: new Error('away') }, 0],
  ];
  for (const [title, others, alarms] of leaders) {
    test(title, async () => {
      const world = new World(others);
      await world.check.ofLeader();
      assert.equal(world.alarms, alarms);
    });
  }

  test('a member does not begin to serve what the others do not have', async () => {
    await new World({ b: SOUND, c: behind }).check.initial();
    await new World({ b: { ...SOUND, hash: 8, compactRevision: 9 } }).check.initial();
    await assert.rejects(
      new World({ b: { ...SOUND, hash: 8 } }).check.initial(),
      /data differ from those of member b at revision 10/,
    );
  });

  test('the leader looks again and again, a follower never', async () => {
    const world = new World({ b: { ...SOUND, hash: 8 } });
    world.isLeader = false;
    world.check.every(1000);
    await world.clock.advance(3500);
    assert.equal(world.alarms, 0);
    world.isLeader = true;
    await world.clock.advance(2000);
    assert.equal(world.alarms, 2);
    world.check.stop();
    assert.equal(world.clock.pendingTimers, 0);
  });
});
