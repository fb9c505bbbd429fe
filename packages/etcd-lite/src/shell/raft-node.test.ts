import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, settle } from '@kubelab/component-base/testing';
import type { Init } from '@kubelab/rpc';
import { confOf, type Entry, type Message, type Ready } from 'raft-consensus';
import type { WalRecord } from '../wire.ts';
import { RaftNode } from './raft-node.ts';

const entry = (index: number): Entry => ({ index, term: 1, type: 'normal', data: Uint8Array.of(index) });
const message = (name: string): Message => ({ type: 'timeout-now', from: name, to: 'x', term: 1 });

function ready(parts: Partial<Ready>): Ready {
  return {
    mustSync: (parts.entries ?? []).length > 0,
    softState: undefined,
    hardState: undefined,
    snapshot: undefined,
    entries: [],
    messages: [],
    messagesAfterWrite: [],
    committed: [],
    reads: [],
    ...parts,
  };
}

/** A core that hands out what the test gives it, and writes down in which order everything happens. */
class World {
  readonly trace: string[] = [];
  readonly waiting: Ready[] = [];
  readonly writes: (() => void)[] = [];
  failure: unknown;
  /** Writes are done when they return. */
  isQuick = false;
  /** What the core does with a message. */
  step: (message: Message) => void = () => undefined;
  readonly node = new RaftNode({
    raft: {
      leader: undefined,
      tick: () => undefined,
      step: (message) => this.step(message),
      hasReady: () => this.waiting.length > 0,
      ready: () => this.waiting.shift(),
      persisted: () => undefined,
      advance: () => void this.trace.push('advance'),
    },
    clock: new FakeClock(),
    tickMs: 100,
    append: (record: Init<WalRecord>) => {
      const what = (record.entries ?? []).map(({ index }) => index).join(',');
      this.trace.push(`write ${record.snapshot ? `snapshot ${record.snapshot.index}` : what}`);
      return this.isQuick ? undefined : new Promise((resolve) => this.writes.push(resolve));
    },
    send: (messages) => void this.trace.push(`send ${messages.map(({ from }) => from).join(',')}`),
    apply: (entries) => void this.trace.push(`apply ${entries.map(({ index }) => index).join(',')}`),
    restore: (metadata) => Promise.resolve(void this.trace.push(`restore ${metadata.index}`)),
    reads: () => void this.trace.push('reads'),
    leadership: () => undefined,
    leaderKnown: () => undefined,
    beforeRound: () => undefined,
    anticipation: undefined,
    fatal: (error) => (this.failure = error),
  });

  async give(...readies: Ready[]): Promise<void> {
    this.waiting.push(...readies);
    this.node.wake();
    await settle();
    await settle();
  }
  async finishWrite(): Promise<void> {
    this.writes.shift()?.();
    await settle();
    await settle();
  }
}

describe('the driver of the core', () => {
  test('NODE-2 appends leave before the write, promises after it, then it applies and advances', async () => {
    const world = new World();
    await world.give(
      ready({ entries: [entry(1)], messages: [message('append')], messagesAfterWrite: [message('ack')] }),
      ready({ committed: [entry(1)] }),
    );
    assert.deepEqual(world.trace, ['send append', 'write 1']);
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(2), ['send ack', 'apply 1', 'advance', 'advance']);
    await world.node.stop();
  });

  test('NODE-1 what arrives during a write goes into the next one together', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1)] }));
    await world.give(ready({ entries: [entry(2)], messages: [message('early')] }));
    await world.give(ready({ entries: [entry(3)] }));
    assert.deepEqual(world.trace, ['write 1', 'send early']);
    await world.finishWrite();
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(2), ['advance', 'write 2,3', 'advance', 'advance']);
    await world.node.stop();
  });

  test('a snapshot is written and restored by itself, before what follows it', async () => {
    const world = new World();
    const metadata = { index: 9, term: 1, conf: confOf(['x']) };
    await world.give(
      ready({ entries: [entry(1)] }),
      ready({ snapshot: { metadata }, mustSync: true }),
      ready({ entries: [entry(10)] }),
    );
    for (let i = 0; i < 3; i++) await world.finishWrite();
    assert.deepEqual(
      world.trace.filter((line) => line !== 'advance'),
      ['write 1', 'write snapshot 9', 'restore 9', 'write 10'],
    );
    await world.node.stop();
  });

  test('what is committed and in the log is applied while the next write is under way, and reads are answered', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1)] }));
    await world.finishWrite();
    await world.give(ready({ entries: [entry(2)] }));
    await world.give(
      ready({ entries: [entry(3)], committed: [entry(1)], reads: [{ context: 'r', index: 1 }] }),
    );
    assert.deepEqual(world.trace, ['write 1', 'advance', 'write 2', 'apply 1', 'reads']);
    await world.finishWrite();
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(5), ['advance', 'write 3', 'advance']);
    await world.node.stop();
  });

  test('a follower writes and acknowledges before it applies what came with that, a leader after', async () => {
    const [follower, leader] = [new World(), new World()];
    for (const world of [follower, leader]) {
      await world.give(ready({ entries: [entry(1)] }));
      await world.finishWrite();
      world.isQuick = true;
    }
    await leader.give(ready({ softState: { role: 'leader', leader: 'x' } }));
    const next = { entries: [entry(2)], committed: [entry(1)], messagesAfterWrite: [message('ack')] };
    for (const world of [follower, leader]) await world.give(ready(next));
    assert.deepEqual(follower.trace.slice(2), ['write 2', 'send ack', 'apply 1', 'advance']);
    assert.deepEqual(leader.trace.slice(3), ['apply 1', 'write 2', 'send ack', 'advance']);
    for (const world of [follower, leader]) await world.node.stop();
  });

  test('NODE-3 what is committed waits until it is in the log itself, and what comes behind it with it', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1)] }));
    await world.give(ready({ entries: [entry(2)], committed: [entry(1)] }));
    await world.give(ready({ committed: [entry(2)] }));
    assert.deepEqual(world.trace, ['write 1']);
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(1), ['apply 1', 'advance', 'write 2']);
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(4), ['apply 2', 'advance', 'advance']);
    await world.node.stop();
  });

  test('NODE-3 an entry that takes the place of another is not applied before it has done so on disk', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1), entry(2)] }));
    await world.finishWrite();
    await world.give(ready({ entries: [entry(2)] }));
    await world.give(ready({ committed: [entry(1)] }), ready({ committed: [entry(2)] }));
    assert.deepEqual(world.trace.slice(2), ['write 2', 'apply 1']);
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(4), ['apply 2', 'advance', 'advance', 'advance']);
    await world.node.stop();
  });

  test('a change of the configuration is applied when all before it is advanced', async () => {
    const world = new World();
    const change: Entry = { ...entry(1), type: 'conf-change' };
    await world.give(ready({ entries: [change] }));
    await world.finishWrite();
    await world.give(ready({ entries: [entry(2)] }));
    await world.give(ready({ committed: [change] }));
    assert.deepEqual(world.trace.slice(2), ['write 2']);
    await world.finishWrite();
    assert.deepEqual(world.trace.slice(3), ['advance', 'apply 1', 'advance']);
    await world.node.stop();
  });

  test('nothing passes a snapshot that is to be restored', async () => {
    const world = new World();
    const metadata = { index: 9, term: 1, conf: confOf(['x']) };
    await world.give(ready({ entries: [entry(1)] }));
    await world.give(ready({ snapshot: { metadata }, mustSync: true }), ready({ committed: [entry(10)] }));
    for (let i = 0; i < 3; i++) await world.finishWrite();
    assert.deepEqual(
      world.trace.filter((line) => line !== 'advance'),
      ['write 1', 'write snapshot 9', 'restore 9', 'apply 10'],
    );
    await world.node.stop();
  });

  test('a message that breaks an invariant ends the node, and nothing of the turn is carried out', async () => {
    const world = new World();
    world.step = ({ from }) => {
      world.waiting.push(ready({ messages: [message(from)] }));
      if (from === 'bad') throw new Error('RAFT-3');
    };
    world.node.step([message('good')]);
    await settle();
    world.node.step([message('bad'), message('after')]);
    await settle();
    assert.deepEqual(world.trace, ['send good', 'advance']);
    assert.match(String(world.failure), /RAFT-3/);
    await world.node.stop();
  });

  test('a commit index that moved costs no write of its own', async () => {
    const world = new World();
    await world.give(ready({ hardState: { term: 1, vote: undefined, commit: 5 }, committed: [entry(5)] }));
    assert.deepEqual(world.trace, ['apply 5', 'advance']);
    await world.node.stop();
  });

  test('what comes alone is taken in this turn of the event loop, what comes in a crowd at its end', async () => {
    const world = new World();
    const micro = (): Promise<void> => Promise.resolve();
    world.waiting.push(ready({ entries: [entry(1)] }));
    world.node.wake();
    await micro();
    assert.deepEqual(world.trace, ['write 1']);
    world.waiting.push(ready({ messages: [message('second')] }));
    world.node.wake();
    await micro();
    assert.deepEqual(world.trace, ['write 1']);
    await settle();
    assert.deepEqual(world.trace, ['write 1', 'send second']);
    world.waiting.push(ready({ messages: [message('third')] }));
    world.node.wake();
    await micro();
    assert.equal(world.trace.length, 2);
    await world.finishWrite();
    await world.node.stop();
  });

  test('what comes just when everything else was done is done as well', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1)] }));
    world.writes.shift()?.();
    // The write is done in one microtask, and whoever waits for it goes on in the next ones.
    for (let i = 0; i < 10; i++) {
      await Promise.resolve();
      world.waiting.push(ready({ committed: [entry(i + 2)] }));
      world.node.wake();
      await settle();
    }
    await settle();
    assert.equal(world.trace.filter((line) => line.startsWith('apply')).length, 10);
    await world.node.stop();
  });

  test('after the end nothing follows from a write that was under way', async () => {
    const world = new World();
    await world.give(ready({ entries: [entry(1)], messagesAfterWrite: [message('ack')] }));
    const stopped = world.node.stop();
    await world.finishWrite();
    await stopped;
    assert.deepEqual(world.trace, ['write 1']);
  });
});
