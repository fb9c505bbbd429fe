import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { type ConfChange, confOf, encodeConfChange, type Entry } from 'raft-consensus';
import { confChangeOf, proposedChange } from '../core/member-change-codec.ts';
import { Members, type NewMember } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import { MemberChanges } from './member-changes.ts';
import { Membership } from './membership.ts';

const learner = (raftId: string): NewMember => ({
  raftId,
  peerUrls: [`http://${raftId}`],
  isLearner: true,
  autoPromote: false,
});

const entryOf = (conf: ConfChange): Entry => ({
  index: 1,
  term: 1,
  type: 'conf-change',
  data: encodeConfChange(conf),
});

/** A leader `a`, and what it has proposed. */
function leader() {
  const members = new Members([memberRecord('a'), memberRecord('b')]);
  const proposed: ConfChange[] = [];
  const membership = new Membership({
    founding: { clusterId: 1, raftId: 'a' },
    members: () => members,
    onOthers: () => undefined,
    onRemoved: () => undefined,
  });
  const conf = confOf(['a', 'b']);
  const changes = new MemberChanges({
    membership,
    leadership: { isLeader: true, leader: 'a' },
    raft: {
      proposeConfChange: (change) => {
        proposed.push(change);
        return 'accepted';
      },
      applyConfChange: () => conf,
      status: () => ({ conf }) as never,
    },
    peers: () => ({ ask: () => assert.fail('it leads itself'), activeSinceMs: () => undefined }),
    wake: () => undefined,
    clock: new FakeClock(),
    heartbeatMs: 10,
    timeoutMs: 1000,
    isStrict: false,
    handOver: () => Promise.resolve(),
  });
  return { changes, proposed };
}

describe('a change of members', () => {
  test('of another member, by chance with the same number, does not take the answer of our own', async () => {
    const { changes, proposed } = leader();
    const change = { kind: 'add', member: learner('c'), learnersMax: 5 } as const;
    const answered = changes.change(change);
    await new Promise(setImmediate);
    const own = entryOf(must(proposed[0]));
    const { id } = must(proposedChange(own));
    const theirs = { ...change, member: learner('d') };
    changes.applied(entryOf(confChangeOf({ change: theirs, proposer: 'b', id })));
    changes.applied(own);
    assert.deepEqual(
      (await answered).map(({ raftId }) => raftId),
      ['a', 'b', 'c', 'd'],
    );
  });
});
