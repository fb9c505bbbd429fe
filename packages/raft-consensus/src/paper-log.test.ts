/** The Raft paper on the log (§5.3, §5.4.2), membership (§6), compaction (§7) and reads (§8; thesis §6.4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confChange, confOf, encodeConfChange, mustWaitForWrite, type Role } from './index.ts';
import { entryOf, Lone, type LoneOptions } from './testing/lone.ts';

const bare: LoneOptions = { preVote: false, checkQuorum: false };
const append = { type: 'append', prevIndex: 0, prevTerm: 0, entries: [], commit: 0 } as const;

function roleOf(lone: Lone): Role {
  return lone.raft.status().role;
}

// §5.3 log replication

test('§5.3 an entry commits when a majority has it, and is applied then', () => {
  const lone = new Lone(bare).elected();
  lone.settle();
  lone.acknowledge('2', 1);
  assert.equal(lone.raft.propose(new TextEncoder().encode('a')), 'accepted');
  assert.deepEqual(
    lone.sent('append').map(({ to, prevIndex, entries }) => [to, prevIndex, entries.length]),
    [['2', 1, 1]],
    'member 3 is still probed: its first append is unanswered',
  );
  assert.deepEqual(
    lone.applied.map(({ index }) => index),
    [1],
  );
  lone.acknowledge('2', 2);
  lone.settle();
  assert.deepEqual(
    lone.applied.map(({ index }) => index),
    [1, 2],
  );
});

test('§5.3 followers learn the commit index from the next append, and apply what they have of it', () => {
  const lone = new Lone(bare);
  lone.step({ ...append, from: '2', term: 1, entries: [entryOf(1, 1), entryOf(2, 1)], commit: 1 });
  lone.settle();
  assert.equal(lone.applied.length, 1);
  lone.step({ ...append, from: '2', term: 1, prevIndex: 2, prevTerm: 1, commit: 9 });
  lone.settle();
  assert.equal(lone.applied.length, 2);
});

test('§5.3 RAFT-7 a follower commits no further than the append it matched', () => {
  const lone = new Lone({ ...bare, logTerms: [1, 2, 2] });
  lone.step({ ...append, from: '2', term: 3, prevIndex: 1, prevTerm: 1, commit: 3 });
  assert.equal(lone.raft.status().commit, 1);
});

// The logs of figure 7, each facing a leader of term 8 with this log.
const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
const figure7: [string, number[]][] = [
  ['a: one entry is missing', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
  ['b: many are missing', [1, 1, 1, 4]],
  ['c: one too many', [...LEADER, 6]],
  ['d: two too many of a later term', [...LEADER, 7, 7]],
  ['e: some missing, some too many', [1, 1, 1, 4, 4, 4, 4]],
  ['f: much missing, much too many', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
];
for (const [name, terms] of figure7) {
  test(`§5.3 RAFT-7 figure 7 ${name}: the leader's log replaces it, with a refusal per term at most`, () => {
    const leader = new Lone({ ...bare, logTerms: LEADER, hardState: { term: 7, commit: 0 } }).elected();
    const follower = new Lone({ ...bare, id: '2', logTerms: terms, hardState: { term: 7 } });
    let refusals = 0;
    for (let round = 0; round < 30; round++) {
      for (const message of leader.settle()) follower.raft.step(message);
      for (const message of follower.settle()) {
        if (message.type === 'append-response' && message.reject) refusals++;
        leader.raft.step(message);
      }
    }
    assert.equal(follower.raft.status().lastIndex, 11);
    assert.deepEqual(
      follower.applied.map(({ term }) => term),
      [...LEADER, 8],
    );
    assert.ok(refusals <= 3, `${refusals} refusals`);
  });
}

// §5.4.2 committing entries of earlier terms; what must be durable

test('§5.4.2 RAFT-4 figure 8: an entry of an earlier term commits only with one of the own term', () => {
  const lone = new Lone({ ...bare, logTerms: [1, 2], hardState: { term: 2 } }).elected();
  lone.settle();
  lone.acknowledge('2', 2);
  lone.acknowledge('3', 2);
  assert.equal(lone.raft.status().commit, 0, 'on all three members, and yet not committed');
  lone.acknowledge('2', 3);
  assert.equal(lone.raft.status().commit, 3);
});

test('§5.4.2 RAFT-3 a new leader begins its term with an empty entry and cuts nothing from its log', () => {
  const lone = new Lone({ ...bare, logTerms: [1, 1, 2] }).elected();
  const { lastIndex, term } = lone.raft.status();
  const appended = lone.sent('append').find(({ to }) => to === '2');
  assert.deepEqual([lastIndex, term, appended?.prevIndex], [4, 3, 3]);
  assert.equal(appended?.entries[0]?.data.length, 0);
});

test("RAFT-8 the leader's own copy counts only when it is written, while its appends leave at once", () => {
  const lone = new Lone({ ...bare, conf: confOf(['1', '2']) }).elected();
  lone.settle();
  lone.acknowledge('2', 1);
  lone.settle();
  lone.raft.propose(new Uint8Array(1));
  const ready = lone.raft.ready();
  assert.deepEqual(
    ready?.messages.map(({ type, to }) => [type, to]),
    [['append', '2']],
  );
  lone.acknowledge('2', 2);
  assert.equal(lone.raft.status().commit, 1);
  assert.ok(ready);
  lone.raft.persisted(ready);
  assert.equal(lone.raft.status().commit, 2);
});

test('RAFT-8 votes, vote requests and acknowledgements wait for the write, all else need not', () => {
  const envelope = { from: '1', to: '2', term: 1 };
  const vote = { ...envelope, lastIndex: 0, lastTerm: 0 };
  assert.ok(
    mustWaitForWrite({ ...envelope, type: 'vote-response', granted: true, commit: 0, commitTerm: 0 }),
  );
  assert.ok(mustWaitForWrite({ ...vote, type: 'vote', isTransfer: false }));
  const done = { index: 1, reject: false, hintIndex: 0, hintTerm: 0 };
  assert.ok(mustWaitForWrite({ ...envelope, type: 'append-response', ...done }));
  assert.ok(!mustWaitForWrite({ ...vote, type: 'pre-vote' }));
  assert.ok(!mustWaitForWrite({ ...envelope, ...append }));
  assert.ok(!mustWaitForWrite({ ...envelope, type: 'heartbeat-response', round: 0 }));
});

test('RAFT-12 Readies are persisted and advanced in the order they were taken', () => {
  const lone = new Lone(bare).elected();
  const first = lone.raft.ready();
  lone.raft.propose(new Uint8Array(1));
  const second = lone.raft.ready();
  assert.ok(first !== undefined && second !== undefined);
  assert.throws(() => lone.raft.persisted(second), /RAFT-12/);
  assert.throws(() => lone.raft.advance(second), /RAFT-12/);
});

test('RAFT-13 the uncommitted tail is bounded, and what is committed makes room', () => {
  const lone = new Lone({ ...bare, uncommittedBytesMax: 10, entryBytesMax: 20 }).elected();
  lone.settle();
  const ten = new Uint8Array(10);
  assert.equal(lone.raft.propose(new Uint8Array(21)), 'too-large');
  assert.equal(lone.raft.propose(ten), 'accepted');
  assert.equal(lone.raft.propose(ten), 'too-many-uncommitted');
  lone.settle();
  lone.acknowledge('2', 2);
  assert.equal(lone.raft.status().uncommittedBytes, 0);
  assert.equal(lone.raft.propose(ten), 'accepted');
});

// §6 membership

test('§6 a learner neither campaigns nor counts', () => {
  const conf = confOf(['2', '3'], ['1']);
  const learner = new Lone({ ...bare, conf, electionTicks: 5 });
  learner.ticks(50);
  learner.raft.campaign();
  assert.equal(roleOf(learner), 'follower');
  const leader = new Lone({ ...bare, conf: confOf(['1', '2'], ['3']) }).elected();
  leader.settle();
  leader.acknowledge('3', 1);
  assert.equal(leader.raft.status().commit, 0);
});

test('§6 RAFT-10 who has committed but not applied a configuration change does not campaign', () => {
  const lone = new Lone({ ...bare, electionTicks: 5 });
  const data = encodeConfChange(confChange([{ type: 'add-learner', node: '4' }]));
  const entry = { index: 1, term: 1, type: 'conf-change', data } as const;
  lone.step({ ...append, from: '2', term: 1, entries: [entry], commit: 1 });
  lone.ticks(20);
  assert.equal(roleOf(lone), 'follower');
  lone.settle();
  lone.ticks(20);
  assert.equal(roleOf(lone), 'candidate');
});

test('§6 RAFT-17 a refused candidate learns what is committed, and applies it first', () => {
  const lone = new Lone(bare);
  const data = encodeConfChange(confChange([{ type: 'remove', node: '3' }]));
  const entry = { index: 1, term: 1, type: 'conf-change', data } as const;
  lone.step({ ...append, from: '2', term: 1, entries: [entry] });
  lone.raft.campaign();
  lone.settle();
  const refusal = { type: 'vote-response', from: '3', term: 2, granted: false } as const;
  lone.step({ ...refusal, commit: 1, commitTerm: 9 });
  assert.deepEqual([roleOf(lone), lone.raft.status().commit], ['candidate', 0], 'another log is no news');
  lone.step({ ...refusal, commit: 1, commitTerm: 1 });
  assert.deepEqual([roleOf(lone), lone.raft.status().commit], ['follower', 1]);
  lone.settle();
  assert.deepEqual(lone.raft.status().conf.voters, ['1', '2']);
});

test('§6 one change at a time, and none that does not fit', () => {
  const lone = new Lone(bare).elected();
  lone.settle();
  const add4 = confChange([{ type: 'add-voter', node: '4' }]);
  lone.acknowledge('2', 1);
  lone.settle();
  assert.equal(lone.raft.proposeConfChange({ ...add4, steps: [] }), 'conf-change-refused');
  assert.equal(lone.raft.proposeConfChange(add4), 'accepted');
  assert.equal(lone.raft.proposeConfChange(add4), 'conf-change-pending');
  lone.settle();
  lone.acknowledge('2', 2);
  lone.settle();
  assert.deepEqual(lone.raft.status().conf.voters, ['1', '2', '3', '4']);
});

test('§6 a leader that is removed steps down when that is applied', () => {
  const lone = new Lone(bare).elected();
  lone.settle();
  lone.acknowledge('2', 1);
  lone.settle();
  lone.raft.proposeConfChange(confChange([{ type: 'remove', node: '1' }]));
  lone.settle();
  assert.equal(roleOf(lone), 'leader');
  lone.acknowledge('2', 2);
  lone.settle();
  assert.equal(roleOf(lone), 'follower');
});

// §7 log compaction

test('§7 a snapshot replaces the log, the state and the configuration', () => {
  const lone = new Lone({ ...bare, logTerms: [1, 1] });
  const conf = confOf(['1', '2'], ['4']);
  lone.step({ type: 'snapshot', from: '2', term: 3, snapshot: { metadata: { index: 9, term: 2, conf } } });
  const ready = lone.raft.ready();
  assert.equal(ready?.snapshot?.metadata.index, 9);
  assert.ok(ready.mustSync);
  assert.deepEqual(
    ready.messagesAfterWrite.map((message) => message.type === 'append-response' && message.index),
    [9],
  );
  lone.raft.advance(ready);
  const { firstIndex, lastIndex, commit, applied } = lone.raft.status();
  assert.deepEqual([firstIndex, lastIndex, commit, applied], [10, 9, 9, 9]);
  assert.deepEqual(lone.raft.status().conf, conf);
});

test('§7 an old snapshot, or one for others, changes nothing', () => {
  const lone = new Lone({ ...bare, logTerms: [1, 1, 1], hardState: { commit: 3 } });
  const old = { index: 2, term: 1, conf: confOf(['1', '2', '3']) };
  lone.step({ type: 'snapshot', from: '2', term: 1, snapshot: { metadata: old } });
  const foreign = { index: 9, term: 1, conf: confOf(['2', '3']) };
  lone.step({ type: 'snapshot', from: '2', term: 1, snapshot: { metadata: foreign } });
  assert.deepEqual(
    lone.sent('append-response').map(({ index }) => index),
    [3, 3],
  );
  assert.equal(lone.raft.status().lastIndex, 3);
});

test('§7 a node on its way in takes a state from before it was added, and campaigns only as a member', () => {
  const lone = new Lone({ ...bare, electionTicks: 5, conf: confOf([]) });
  lone.ticks(20);
  assert.deepEqual([roleOf(lone), lone.sent('vote')], ['follower', []]);
  const conf = confOf(['2', '3']);
  lone.step({ type: 'snapshot', from: '2', term: 3, snapshot: { metadata: { index: 9, term: 2, conf } } });
  lone.settle();
  assert.deepEqual(lone.raft.status().conf, conf);
  lone.ticks(20);
  assert.equal(roleOf(lone), 'follower');
});

test('§7 while a snapshot waits to be restored, its receiver does not campaign', () => {
  const lone = new Lone({ ...bare, electionTicks: 5 });
  const metadata = { index: 9, term: 2, conf: confOf(['1', '2', '3']) };
  lone.step({ type: 'snapshot', from: '2', term: 3, snapshot: { metadata } });
  lone.ticks(20);
  assert.equal(roleOf(lone), 'follower');
});

// §8 client interaction; thesis §6.4

test('§8 RAFT-9 a read is answered after a commit of this term and the word of a majority since', () => {
  const lone = new Lone(bare).elected();
  lone.settle();
  lone.raft.readIndex('a');
  assert.deepEqual(lone.sent('heartbeat'), [], 'it does not yet know what is committed');
  lone.acknowledge('2', 1);
  const round = lone.sent('heartbeat')[0]?.round;
  assert.equal(round, 1);
  lone.raft.readIndex('b');
  assert.equal(lone.sent('heartbeat')[0]?.round, 2);
  lone.step({ type: 'heartbeat-response', from: '2', term: 1, round: 1 });
  assert.deepEqual(lone.raft.ready()?.reads, [{ index: 1, context: 'a' }]);
});

test('§8 RAFT-9 a late answer to an earlier round does not confirm a later read', () => {
  const lone = new Lone(bare).elected();
  lone.settle();
  lone.acknowledge('2', 1);
  lone.settle();
  lone.raft.readIndex('a');
  lone.settle();
  lone.raft.readIndex('a');
  lone.settle();
  lone.step({ type: 'heartbeat-response', from: '2', term: 1, round: 1 });
  lone.step({ type: 'heartbeat-response', from: '2', term: 1, round: 1 });
  assert.equal(lone.raft.ready()?.reads.length, 1);
});

test('§8 reads are bounded, and a follower without a leader says so', () => {
  const follower = new Lone(bare);
  assert.equal(follower.raft.readIndex('a'), 'no-leader');
  const leader = new Lone({ ...bare, readsPendingMax: 2 }).elected();
  const outcomes = ['a', 'b', 'c'].map((context) => leader.raft.readIndex(context));
  assert.deepEqual(outcomes, ['accepted', 'accepted', 'too-many-pending']);
});

test('§8 with lease reads a leader answers at once, and refuses to forget', () => {
  const lone = new Lone({ readOnly: 'lease' }).elected();
  lone.settle();
  lone.acknowledge('2', 1);
  lone.settle();
  lone.raft.readIndex('a');
  assert.deepEqual(lone.raft.ready()?.reads, [{ index: 1, context: 'a' }]);
  const follower = new Lone({ readOnly: 'lease' });
  follower.step({ ...append, from: '2', term: 1 });
  follower.raft.forgetLeader();
  assert.equal(follower.raft.status().leader, '2');
});

// start-up

test('RAFT-5 a stored commit beyond the stored log is refused', () => {
  assert.throws(() => new Lone({ logTerms: [1], hardState: { commit: 2 } }), /RAFT-5/);
});

test('a torn write that left entries without their term is taken as not having voted in it', () => {
  const lone = new Lone({ logTerms: [1, 3], hardState: { term: 2, vote: '2' } });
  assert.deepEqual([lone.raft.status().term, lone.raft.status().vote], [3, undefined]);
});
