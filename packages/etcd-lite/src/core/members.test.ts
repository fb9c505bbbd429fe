import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { confOf, nextConf } from 'raft-consensus';
import { memberRecord } from '../testing/member-record.ts';
import { confChangeOf } from './member-change-codec.ts';
import { type MemberChange, type MemberRecord, Members, type NewMember } from './members.ts';

const record = (raftId: string, more: Partial<MemberRecord> = {}): MemberRecord =>
  memberRecord(raftId, { name: `m${raftId}`, peerUrls: [`http://${raftId}:2380`], ...more });
const unstarted = (raftId: string, more: Partial<NewMember> = {}): NewMember => ({
  raftId,
  peerUrls: [`http://${raftId}:2380`],
  isLearner: false,
  autoPromote: false,
  ...more,
});
const add = (member: NewMember, learnersMax = 1): MemberChange => ({ kind: 'add', member, learnersMax });
const learner = { isLearner: true };

/** Members 1 and 2 vote, 3 is a learner, 9 was removed. */
const some = (): Members => new Members([record('1'), record('2'), record('3', learner)], ['9']);

describe('what changes of members are refused', () => {
  const cases: readonly [string, MemberChange, string][] = [
    ['CONF-1 adding an id that was removed', add(unstarted('9')), 'member not found'],
    ['adding an id that is there', add(unstarted('1')), 'member ID already exist'],
    [
      'CONF-2 adding a URL that is taken',
      add(unstarted('4', { peerUrls: ['http://x', 'http://2:2380'] })),
      'Peer URLs already exists',
    ],
    ['a second learner', add(unstarted('4', learner)), 'too many learner members in cluster'],
    ['promoting a stranger', { kind: 'promote', raftId: '4' }, 'member not found'],
    ['promoting a removed one', { kind: 'promote', raftId: '9' }, 'member not found'],
    ['promoting a voter', { kind: 'promote', raftId: '1' }, 'can only promote a learner member'],
    ['removing a stranger', { kind: 'remove', raftId: '4' }, 'member not found'],
    ['removing twice', { kind: 'remove', raftId: '9' }, 'member not found'],
    [
      'replacing a stranger',
      { kind: 'replace', raftId: '4', member: unstarted('5'), learnersMax: 9 },
      'member not found',
    ],
    [
      'replacing with the URL of a third',
      {
        kind: 'replace',
        raftId: '1',
        member: unstarted('5', { peerUrls: ['http://2:2380'] }),
        learnersMax: 9,
      },
      'Peer URLs already exists',
    ],
  ];
  for (const [name, change, text] of cases) {
    test(name, () => assert.throws(() => some().check(change), { details: `etcdserver: ${text}` }));
  }

  test('as many learners as are allowed may be there, and a replaced one does not count', () => {
    some().check(add(unstarted('4', learner), 2));
    some().check({ kind: 'replace', raftId: '3', member: unstarted('4', learner), learnersMax: 1 });
  });

  test('CONF-2 a member may keep its own URL when it moves, and take no other’s', () => {
    const members = some();
    members.update('1', ['http://1:2380', 'http://new']);
    assert.deepEqual(members.get('1')?.peerUrls, ['http://1:2380', 'http://new']);
    assert.throws(() => members.update('1', ['http://2:2380']), { reason: 'peerUrlExists' });
    assert.throws(() => members.update('7', ['http://7']), { reason: 'memberNotFound' });
  });
});

describe('what changes of members do', () => {
  test('CONF-1 whoever is removed stays removed, and what it says about itself is no news', () => {
    const members = some();
    members.apply({ kind: 'remove', raftId: '2' });
    members.publish('2', 'again', ['http://again'], '');
    assert.equal(members.get('2'), undefined);
    assert.ok(members.isRemoved('2'));
    assert.throws(() => members.check(add(unstarted('2'))), { reason: 'memberNotFound' });
    assert.throws(() => members.apply(add(unstarted('2'))), /CONF-1/);
  });

  test('CONF-8 what another life says about itself under the same id is no news', () => {
    const members = new Members([record('1')]);
    members.publish('1', 'one', ['http://a'], 'first');
    members.publish('1', 'two', ['http://b'], 'second');
    assert.deepEqual([members.get('1')?.name, members.get('1')?.life], ['one', 'first']);
    // Data from before lives were written down.
    members.publish('1', 'three', ['http://c'], '');
    assert.deepEqual([members.get('1')?.name, members.get('1')?.life], ['three', 'first']);
  });

  test('CONF-2 is an assertion: a change that was not checked ends the process', () => {
    assert.throws(() => some().apply(add(unstarted('5', { peerUrls: ['http://1:2380'] }))), /CONF-2/);
  });

  test('a replaced member’s URL goes to the new one, which has no name before it starts', () => {
    const members = some();
    const member = unstarted('5', { peerUrls: ['http://2:2380'], isLearner: true, autoPromote: true });
    members.apply({ kind: 'replace', raftId: '2', member, learnersMax: 2 });
    assert.deepEqual(
      members.all().map(({ raftId, name }) => [raftId, name]),
      [
        ['1', 'm1'],
        ['3', 'm3'],
        ['5', ''],
      ],
    );
    members.apply({ kind: 'promote', raftId: '5' });
    assert.deepEqual(
      [members.get('5')?.isLearner, members.get('5')?.autoPromote, members.voters().length],
      [false, false, 2],
    );
  });

  test('CONF-3 no change moves more than one voter: Raft needs no joint configuration for it', () => {
    const conf = confOf(['1', '2', '4'], ['3']);
    const changes: MemberChange[] = [
      add(unstarted('5')),
      add(unstarted('5', learner)),
      { kind: 'promote', raftId: '3' },
      { kind: 'remove', raftId: '2' },
      { kind: 'replace', raftId: '2', member: unstarted('5', learner), learnersMax: 9 },
    ];
    for (const change of changes) {
      const next = nextConf(conf, confChangeOf({ change, proposer: '1', id: 1 }));
      assert.deepEqual(next.votersOutgoing, [], change.kind);
      assert.ok(Math.abs(next.voters.length - conf.voters.length) <= 1, change.kind);
    }
  });
});
