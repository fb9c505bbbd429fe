import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { bytesOf } from '@kubelab/rpc/etcd';
import type { ProposalOutcome } from 'raft-consensus';
import type { EtcdError } from '../core/errors.ts';
import { type InternalRequest, internalRequestCodec } from '../wire.ts';
import { Proposals } from './proposals.ts';

class World {
  readonly clock = new FakeClock();
  readonly sent: InternalRequest[] = [];
  term = 1;
  outcome: ProposalOutcome = 'forwarded';
  readonly proposals = new Proposals({
    self: 'me',
    clock: this.clock,
    timeoutMs: 1000,
    requestBytesMax: 1000,
    firstId: 100,
    term: () => this.term,
    propose: (data) => {
      if (this.outcome === 'forwarded') this.sent.push(internalRequestCodec.decode(data));
      return this.outcome;
    },
  });
  propose(size = 1): Promise<unknown> {
    const settled = this.proposals.propose({ put: { key: bytesOf('k'), value: Buffer.alloc(size) } });
    return settled.catch((error: unknown) => (error as EtcdError).reason);
  }
  apply(request: InternalRequest | undefined, response: object = { header: { revision: 7 } }): void {
    if (request !== undefined) this.proposals.applied(request, { response, error: undefined, changes: [] });
  }
}

describe('proposals', () => {
  test('resolve with the response when applied, and only for requests of this member', async () => {
    const world = new World();
    const answer = world.propose();
    world.proposals.applied(
      { ...(world.sent[0] as InternalRequest), proposer: 'other' },
      { response: { no: 1 }, error: undefined, changes: [] },
    );
    world.apply(world.sent[0]);
    assert.deepEqual(await answer, { header: { revision: 7 } });
  });

  test('LEASE-2 are not proposed again where they were for one term only', async () => {
    const world = new World();
    const revoked = world.proposals.propose({ leaseRevoke: { ID: 1 } }, true);
    world.term = 2;
    world.proposals.termApplied(2);
    await assert.rejects(revoked, { reason: 'leaderChanged' });
    assert.equal(world.sent.length, 1);
  });

  test('SM-3 are proposed again, for the new term, once an entry of that term has been applied', async () => {
    const world = new World();
    const answer = world.propose();
    world.term = 2;
    world.proposals.leaderKnown();
    assert.equal(world.sent.length, 1, 'not before: the old copy may still be committed');
    world.proposals.termApplied(2);
    assert.deepEqual(
      world.sent.map(({ id, term }) => [id, term]),
      [
        [100, 1],
        [100, 2],
      ],
    );
    world.apply(world.sent[1]);
    assert.deepEqual(await answer, { header: { revision: 7 } });
  });

  test('SM-3 are not proposed again once a snapshot was restored, which may contain them', async () => {
    const world = new World();
    const taken = world.propose();
    world.outcome = 'no-leader';
    const untaken = world.propose();
    world.outcome = 'forwarded';
    world.proposals.restored();
    assert.equal(await taken, 'timeoutLeaderFail');
    world.term = 2;
    world.proposals.termApplied(2);
    world.proposals.leaderKnown();
    assert.deepEqual(
      world.sent.map(({ id }) => id),
      [100, 101],
      'only what had never been proposed goes on',
    );
    world.apply(world.sent[1]);
    assert.deepEqual(await untaken, { header: { revision: 7 } });
  });

  test('wait for a leader, and are proposed when there is one', async () => {
    const world = new World();
    world.outcome = 'no-leader';
    const answer = world.propose();
    assert.equal(world.sent.length, 0);
    world.outcome = 'forwarded';
    world.proposals.leaderKnown();
    world.apply(world.sent[0]);
    assert.deepEqual(await answer, { header: { revision: 7 } });
  });

  test('end with a timeout, which tells whether a leader ever took them', async () => {
    const world = new World();
    const taken = world.propose();
    world.outcome = 'no-leader';
    const untaken = world.propose();
    await world.clock.advance(1000);
    assert.deepEqual([await taken, await untaken], ['timeout', 'timeoutLeaderFail']);
    assert.equal(world.clock.pendingTimers, 0);
  });

  test('are refused when too large, too many, or the member stops', async () => {
    const world = new World();
    assert.equal(await world.propose(2000), 'requestTooLarge');
    world.outcome = 'too-many-uncommitted';
    assert.equal(await world.propose(), 'tooManyRequests');
    world.outcome = 'forwarded';
    const waiting = world.propose();
    world.proposals.stop();
    assert.equal(await waiting, 'stopped');
  });
});
