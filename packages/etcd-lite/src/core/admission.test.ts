import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterDescription } from '../wire.ts';
import { memberRecord } from '../testing/member-record.ts';
import { nextAdmissionStep } from './admission.ts';

const CLUSTER = 77;
const fresh = (term = 0): ClusterDescription => ({
  clusterId: CLUSTER,
  raftId: '',
  isFresh: true,
  term,
  leader: '',
  members: [],
  removedMembers: [],
});
const old = (leader: string, term: number): ClusterDescription => ({
  ...fresh(term),
  isFresh: false,
  leader,
  members: ['a', 'b'].map((raftId) => memberRecord(raftId)),
});

describe('a member without data', () => {
  const cases: readonly [string, number, ClusterDescription[], object][] = [
    ['CONF-7 waits as long as nobody answers', 3, [], { kind: 'wait' }],
    [
      'CONF-7 founds a cluster with a majority that has no data either',
      3,
      [fresh()],
      { kind: 'found', term: 1 },
    ],
    ['CONF-7 of five it takes two others', 5, [fresh()], { kind: 'wait' }],
    ['CONF-7 of five two others do', 5, [fresh(), fresh(4)], { kind: 'found', term: 4 }],
    ['of two it takes both', 2, [], { kind: 'wait' }],
    ['CONF-7 founds nothing when anybody has data', 3, [fresh(), old('', 3)], { kind: 'wait' }],
    [
      'asks the leader, if there is one',
      3,
      [fresh(), old('a', 3)],
      { kind: 'join', leader: 'a', urls: ['http://a'] },
    ],
    [
      'believes the member that is furthest',
      5,
      [old('a', 3), old('b', 4), old('', 9)],
      { kind: 'join', leader: 'b', urls: ['http://b'] },
    ],
    [
      'CONF-7 does not count one that began earlier: it may have missed everything',
      3,
      [{ ...fresh(), raftId: 'b' }],
      { kind: 'wait' },
    ],
    [
      'CONF-7 counts one that began while this member was up',
      3,
      [{ ...fresh(), raftId: 'w' }],
      { kind: 'found', term: 1 },
    ],
    [
      'CONF-7 founds a cluster when all others have nothing, whenever they began',
      3,
      [
        { ...fresh(), raftId: 'b' },
        { ...fresh(), raftId: 'c' },
      ],
      { kind: 'found', term: 1 },
    ],
    ['waits for the address of a leader', 3, [old('z', 3)], { kind: 'wait' }],
    [
      'has nothing to do with another cluster',
      3,
      [{ ...fresh(), clusterId: 5 }],
      { kind: 'foreign', clusterId: 5 },
    ],
  ];
  for (const [name, count, answers, want] of cases) {
    test(name, () =>
      assert.deepEqual(
        nextAdmissionStep(CLUSTER, count, answers, (raftId) => raftId === 'w'),
        want,
      ),
    );
  }
});
