import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Members } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import type { PeerUrls } from '../transport/peers.ts';
import { Membership } from './membership.ts';

/** Member a of a and b, and what its connections were told. */
function memberA() {
  const members = new Members([memberRecord('a'), memberRecord('b')]);
  const told: PeerUrls[] = [];
  const membership = new Membership({
    founding: { clusterId: 7, raftId: 'a' },
    members: () => members,
    onOthers: (others) => told.push(others),
    onRemoved: () => assert.fail('not removed'),
  });
  return { membership, members, told };
}

describe('where the others may be', () => {
  test('is what the cluster was told', () => {
    const { membership, members } = memberA();
    members.update('b', ['http://b2', 'http://b3']);
    assert.deepEqual([...membership.others()], [['b', ['http://b2', 'http://b3']]]);
  });

  test('and then what they say themselves, of which connections are told once', () => {
    const { membership, told } = memberA();
    membership.met('b', ['http://b']);
    membership.met('b', []);
    assert.deepEqual(told, []);
    for (let i = 0; i < 2; i++) membership.met('b', ['http://moved', 'http://b']);
    assert.deepEqual(told, [new Map([['b', ['http://b', 'http://moved']]])]);
  });

  test('also of one that is no member yet, but not of one that was removed, or of this one', () => {
    const { membership, members } = memberA();
    membership.met('c', ['http://c']);
    membership.met('a', ['http://elsewhere']);
    assert.deepEqual([...membership.others().keys()], ['b', 'c']);
    members.apply({ kind: 'remove', raftId: 'b' });
    membership.met('b', ['http://b']);
    assert.deepEqual([...membership.others().keys()], ['c']);
  });

  test('is kept of no more than a cluster could have, the newest', () => {
    const { membership } = memberA();
    for (let i = 0; i < 1000; i++) membership.met(`x${i}`, [`http://x${i}`]);
    assert.ok(membership.others().size < 100);
    assert.ok(membership.others().has('x999'));
  });
});

test('a member can be answered where its flags say, and where the cluster was told', () => {
  const { membership, members } = memberA();
  members.update('a', ['http://a', 'http://a2']);
  assert.deepEqual(membership.urlsOfSelf(['http://flag', 'http://a']), [
    'http://flag',
    'http://a',
    'http://a2',
  ]);
});
