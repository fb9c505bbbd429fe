import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, settle } from '@kubelab/component-base/testing';
import { RpcError, StatusCode } from '@kubelab/rpc';
import {
  type ConfChange,
  confOf,
  type ConfState,
  encodeConfChange,
  nextConf,
  type ProposalOutcome,
} from 'raft-consensus';
import { type MemberChange, type MemberRecord, Members } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import { MemberChanges } from './member-changes.ts';
import { Membership } from './membership.ts';

const add = (raftId: string): MemberChange => ({
  kind: 'add',
  member: memberRecord(raftId, { isLearner: true }),
  learnersMax: 1,
});

/** A member of a cluster of one or more, whose Raft takes what it is given and applies it when told to. */
class Lone {
  readonly clock = new FakeClock();
  readonly members: Members;
  readonly others: ReadonlyMap<string, string>[] = [];
  readonly proposed: ConfChange[] = [];
  readonly asked: string[] = [];
  readonly changes: MemberChanges;
  conf: ConfState;
  outcome: ProposalOutcome = 'accepted';
  leader: string | undefined = 'a';
  answer: () => object = () => assert.fail('not asked');
  #index = 10;

  constructor(...members: MemberRecord[]) {
    this.members = new Members(members);
    this.conf = confOf(this.members.voters().map(({ raftId }) => raftId));
    const leader = (): string | undefined => this.leader;
    const membership = new Membership({
      founding: { clusterId: 1, raftId: 'a' },
      members: () => this.members,
      onOthers: (others) => this.others.push(others),
      onRemoved: () => this.asked.push('removed'),
    });
    this.changes = new MemberChanges({
      membership,
      leadership: {
        get leader() {
          return leader();
        },
        get isLeader() {
          return leader() === 'a';
        },
      },
      raft: {
        proposeConfChange: (change) => {
          if (this.outcome === 'accepted') this.proposed.push(change);
          return this.outcome;
        },
        applyConfChange: (entry) => {
          this.conf = nextConf(this.conf, JSON.parse(Buffer.from(entry.data).toString()) as ConfChange);
          return this.conf;
        },
        // Only these are looked at.
        status: () => ({ conf: this.conf, applied: this.#index, progress: {} }) as never,
      },
      peers: () => ({
        ask: <T>(id: string) => {
          this.asked.push(id);
          return Promise.resolve().then(() => this.answer() as T);
        },
        activeSinceMs: () => undefined,
      }),
      wake: () => undefined,
      clock: this.clock,
      heartbeatMs: 10,
      timeoutMs: 1000,
      isStrict: false,
      handOver: () => {
        this.asked.push('hand over');
        this.leader = 'b';
        return Promise.resolve();
      },
    });
  }

  /** Commits the oldest proposal. */
  apply(): void {
    const change = this.proposed.shift();
    assert.ok(change, 'nothing was proposed');
    this.changes.applied({
      term: 2,
      index: ++this.#index,
      type: 'conf-change',
      data: encodeConfChange(change),
    });
  }
}

describe('changes of members', () => {
  test('CONF-3 are made one after the other, and answered with the members there are then', async () => {
    const lone = new Lone(memberRecord('a'));
    const first = lone.changes.change(add('b'));
    const second = lone.changes.change({ kind: 'remove', raftId: 'b' });
    await settle();
    assert.equal(lone.proposed.length, 1, 'the second waits');
    lone.apply();
    assert.deepEqual(
      (await first).map(({ raftId }) => raftId),
      ['a', 'b'],
    );
    assert.deepEqual([...(lone.others.at(-1) ?? [])], [['b', 'http://b']]);
    await settle();
    lone.apply();
    assert.deepEqual(
      (await second).map(({ raftId }) => raftId),
      ['a'],
    );
    assert.deepEqual([...(lone.others.at(-1) ?? [])], []);
  });

  test('CONF-3 of two voters at once end the process', () => {
    const lone = new Lone(memberRecord('a'), memberRecord('b'), memberRecord('c'));
    const change = { kind: 'remove', raftId: 'b' } as const;
    const context = JSON.stringify({ change, proposer: 'b', id: 1 });
    const steps = [{ type: 'remove', node: 'b' } as const, { type: 'remove', node: 'c' } as const];
    lone.proposed.push({ transition: 'auto', steps, context });
    assert.throws(() => lone.apply(), /CONF-3/);
  });

  test('that are void when their turn comes are refused, and change nothing in Raft', async () => {
    const lone = new Lone(memberRecord('a'));
    const refused = assert.rejects(lone.changes.change(add('b')), { reason: 'peerUrlExists' });
    await settle();
    // Another leader's entry came first.
    lone.members.apply({
      kind: 'add',
      member: memberRecord('x', { peerUrls: ['http://b'] }),
      learnersMax: 1,
    });
    lone.apply();
    await refused;
    assert.deepEqual(lone.conf.learners, []);
  });

  test('wait while Raft has another one under way, and time out in the end', async () => {
    const lone = new Lone(memberRecord('a'));
    lone.outcome = 'conf-change-pending';
    const change = lone.changes.change(add('b'));
    await lone.clock.advance(100);
    lone.outcome = 'accepted';
    await lone.clock.advance(20);
    lone.apply();
    assert.equal((await change).length, 2);
    const never = assert.rejects(lone.changes.change({ kind: 'remove', raftId: 'b' }), { reason: 'timeout' });
    await lone.clock.advance(2000);
    await never;
  });

  test('go to the leader, and again to the next one', async () => {
    const lone = new Lone(memberRecord('a'), memberRecord('b'), memberRecord('c'));
    lone.leader = 'b';
    lone.answer = () => {
      lone.leader = 'c';
      lone.answer = () => ({ members: [memberRecord('a')], index: 1 });
      throw new RpcError(StatusCode.UNAVAILABLE, 'connection lost');
    };
    const change = lone.changes.change(add('d'));
    await lone.clock.advance(100);
    assert.equal((await change).length, 1);
    assert.deepEqual(lone.asked, ['b', 'c']);
  });

  test('that the leader refuses are refused', async () => {
    const lone = new Lone(memberRecord('a'), memberRecord('b'), memberRecord('c'));
    lone.leader = 'b';
    lone.answer = () => {
      throw new RpcError(StatusCode.UNAVAILABLE, 'etcdserver: unhealthy cluster');
    };
    await assert.rejects(lone.changes.change(add('d')), { details: 'etcdserver: unhealthy cluster' });
  });

  test('that remove the leader are made by its heir', async () => {
    const lone = new Lone(memberRecord('a'), memberRecord('b'), memberRecord('c'));
    lone.answer = () => ({ members: [memberRecord('b'), memberRecord('c')], index: 99 });
    assert.equal((await lone.changes.change({ kind: 'remove', raftId: 'a' })).length, 2);
    assert.deepEqual(lone.asked, ['hand over', 'b']);
  });
});
