import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { StatusCode } from '@kubelab/rpc';
import { confOf } from 'raft-consensus';
import { type MemberChange, Members } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import { Joins } from './joins.ts';
import { Membership } from './membership.ts';

const started = { clientUrls: ['http://client'] };

interface World {
  readonly members?: Members;
  /** How far the leader knows each member's log to be. */
  readonly match?: Readonly<Record<string, number>>;
  /** Of the last entry that is committed; the leader's own is 5. */
  readonly committedTerm?: number;
  readonly isLeader?: boolean;
  readonly connected?: string;
}

/** The leader `a` of a cluster in term 5. */
function leader(world: World) {
  const members =
    world.members ?? new Members([memberRecord('a', started), memberRecord('b', started), memberRecord('c')]);
  const changes: MemberChange[] = [];
  const asked: string[] = [];
  const membership = new Membership({
    founding: { clusterId: 1, raftId: 'a' },
    members: () => members,
    onOthers: () => undefined,
    onRemoved: () => undefined,
  });
  const progress = Object.fromEntries(
    members.all().map(({ raftId }) => [raftId, { match: world.match?.[raftId] ?? 0 }]),
  );
  const status = {
    term: 5,
    commit: 40,
    conf: confOf(members.voters().map(({ raftId }) => raftId)),
    progress,
  };
  const joins = new Joins({
    clock: new FakeClock(),
    log: silentLogger,
    membership,
    leadership: { isLeader: world.isLeader ?? true },
    // Only these are looked at.
    raft: { status: () => status as never, termAt: () => world.committedTerm ?? 5 },
    changes: {
      change: (change) => {
        changes.push(change);
        members.apply(change);
        return Promise.resolve(members.all());
      },
    },
    learnersMax: 1,
    confirmLeadership: () => {
      asked.push('confirm');
      return Promise.resolve();
    },
    isConnected: (raftId) => raftId === world.connected,
    forgetStreams: (raftId) => asked.push(`forget ${raftId}`),
  });
  return { joins, changes, asked, members };
}

const request = (raftId: string) => ({ raftId, name: raftId, peerUrls: [`http://${raftId}`] });

describe('a leader that is asked by a member without data', () => {
  test('CONF-4 lets one that never started, and never said anything, be who it is, and vote in no earlier term', async () => {
    const { joins, changes, asked } = leader({});
    const answer = await joins.join(request('c'));
    assert.deepEqual([answer.raftId, answer.term, answer.vote], ['c', 5, 'a']);
    assert.deepEqual([changes, asked], [[], ['forget c', 'confirm']]);
  });

  const lost: readonly [string, World][] = [
    [
      'has been seen to start',
      { members: new Members(['a', 'b', 'c'].map((id) => memberRecord(id, started))) },
    ],
    ['has acknowledged an entry of this term', { match: { c: 1 } }],
    ['may have been needed: nothing of this term is decided yet', { committedTerm: 4 }],
  ];
  for (const [name, world] of lost) {
    test(`CONF-4 gives a new id, as a learner, to one that ${name}`, async () => {
      const { joins, changes, members } = leader(world);
      const answer = await joins.join(request('c'));
      assert.notEqual(answer.raftId, 'c');
      assert.deepEqual(
        changes.map((change) => [change.kind, 'raftId' in change && change.raftId]),
        [['replace', 'c']],
      );
      const { isLearner, autoPromote, peerUrls } = members.get(answer.raftId) ?? memberRecord('');
      assert.deepEqual([isLearner, autoPromote, peerUrls], [true, true, ['http://c']]);
      assert.ok(members.isRemoved('c'));
    });
  }

  test('finds by its address one whose answer was lost the last time', async () => {
    const members = new Members(
      [
        memberRecord('a', started),
        memberRecord('b', started),
        memberRecord('n', { peerUrls: ['http://c'], isLearner: true }),
      ],
      ['c'],
    );
    assert.equal((await leader({ members }).joins.join(request('c'))).raftId, 'n');
  });

  test('lets a second voter begin, without which nothing could be decided', async () => {
    const members = new Members([memberRecord('a', started), memberRecord('b')]);
    const { joins, asked } = leader({ members, committedTerm: 4 });
    assert.equal((await joins.join(request('b'))).raftId, 'b');
    assert.deepEqual(asked, ['forget b']);
  });

  test('does not give away the place of a member that is up', async () => {
    const { joins, asked, changes } = leader({ connected: 'c' });
    await assert.rejects(joins.join(request('c')), { code: StatusCode.UNAVAILABLE });
    assert.deepEqual([asked, changes], [[], []]);
  });

  test('turns away whoever was removed, and everybody when it does not lead', async () => {
    await assert.rejects(leader({}).joins.join(request('z')), /permanently removed/);
    await assert.rejects(leader({ isLeader: false }).joins.join(request('c')), { reason: 'notLeader' });
  });
});
