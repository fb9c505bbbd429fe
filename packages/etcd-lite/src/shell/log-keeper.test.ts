import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must, silentLogger } from '@kubelab/component-base';
import { confOf, type Entry } from 'raft-consensus';
import { StateMachine } from '../core/state-machine.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { Checkpointer } from './checkpointer.ts';
import { LogKeeper } from './log-keeper.ts';

const KiB = 1024;

/** A member's log, but for Raft: entries are applied as they come. */
class World {
  readonly conf;
  firstIndex = 1;
  applied = 0;
  stateBytes = 0;
  released = 0;
  /** Of the followers, by id. */
  match: Record<string, number> = {};
  readonly checkpointer = new Checkpointer(new MemoryDisk(), '/snap', 7, silentLogger);
  readonly keeper: LogKeeper;

  constructor(voters: string[], snapshotCount: number) {
    this.conf = confOf(voters);
    this.keeper = new LogKeeper({
      checkpointer: this.checkpointer,
      wal: { release: (index) => Promise.resolve(void (this.released = index)) },
      raft: {
        id: 'a',
        conf: this.conf,
        status: () => this.#status(),
        compact: (index) => void (this.firstIndex = index + 1),
      },
      snapshotCount,
      catchUpEntries: 100,
      now: () => ({
        state: new StateMachine().state,
        metadata: { index: this.applied, term: 1, conf: this.conf },
      }),
      stateBytes: () => this.stateBytes,
      log: silentLogger,
      fatal: (msg, error) => assert.fail(`${msg}: ${String(error)}`),
    });
  }

  /** Entries of 1 KiB. */
  apply(count: number): void {
    for (let i = 0; i < count; i++) {
      const entry: Entry = { index: ++this.applied, term: 1, type: 'normal', data: Buffer.alloc(KiB) };
      this.keeper.applied([entry]);
    }
  }

  get keptKiB(): number {
    return this.applied - this.firstIndex + 1;
  }

  #status(): ReturnType<ConstructorParameters<typeof LogKeeper>[0]['raft']['status']> {
    const progress = Object.fromEntries(
      Object.entries(this.match).map(([id, match]) => [
        id,
        {
          match,
          next: match + 1,
          state: 'replicate' as const,
          isLearner: false,
          isRecentlyActive: true,
          isPaused: false,
          pendingSnapshot: 0,
          inflightMessages: 0,
        },
      ]),
    );
    return {
      id: 'a',
      role: 'leader',
      isLearner: false,
      term: 1,
      vote: undefined,
      leader: 'a',
      commit: this.applied,
      applied: this.applied,
      firstIndex: this.firstIndex,
      lastIndex: this.applied,
      conf: this.conf,
      leadTransferee: undefined,
      uncommittedBytes: 0,
      progress,
    };
  }
}

describe('how much of the log stays', () => {
  test('in memory next to nothing where nobody follows, some MiB where somebody may', () => {
    const alone = new World(['a'], 1e9);
    alone.apply(50_000);
    assert.ok(alone.keptKiB <= 512 + 128, `${alone.keptKiB} KiB`);
    const leading = new World(['a', 'b'], 1e9);
    leading.match = { b: Number.MAX_SAFE_INTEGER };
    leading.apply(50_000);
    assert.ok(leading.keptKiB > 3 * KiB && leading.keptKiB <= 13 * KiB, `${leading.keptKiB} KiB`);
  });

  test('in memory what a slow follower needs stays, but not without bound', () => {
    const world = new World(['a', 'b'], 1e9);
    world.match = { b: 5000 };
    world.apply(40_000);
    assert.ok(world.firstIndex <= 5001);
    world.apply(60_000);
    assert.ok(world.keptKiB <= 65 * KiB, `${world.keptKiB} KiB`);
  });

  test('for a member that the log does not reach back to, a checkpoint is made that the log follows', async () => {
    const world = new World(['a'], 1e9);
    world.apply(5000);
    const { metadata } = must(await world.keeper.snapshot());
    assert.equal(metadata.index, 5000);
    world.apply(10);
    assert.equal(must(await world.keeper.snapshot()).metadata.index, 5000, 'that one still does');
  });

  test('on disk it goes with a checkpoint, which waits for as many changes as are worth it', async () => {
    const world = new World(['a'], 1000);
    world.apply(1000);
    await world.keeper.checkpoint();
    assert.deepEqual([world.checkpointer.newest?.index, world.released], [1000, 1000]);
    world.stateBytes = 1e9;
    world.apply(999);
    assert.equal(world.checkpointer.isWriting, false);
    world.apply(1);
    assert.equal(world.checkpointer.isWriting, true);
    await world.keeper.checkpoint();
    assert.equal(world.released, 1000, 'the older one may be needed, and the log since');
  });
});
