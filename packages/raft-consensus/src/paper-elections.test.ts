/** The Raft paper on elections (§5.1, §5.2, §5.4.1), and the thesis on pre-votes (§9.6) and leases (§6.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confOf, type Role } from './index.ts';
import { entryOf, Lone, type LoneOptions } from './testing/lone.ts';

const bare: LoneOptions = { preVote: false, checkQuorum: false };
const append = { type: 'append', prevIndex: 0, prevTerm: 0, entries: [], commit: 0 } as const;

function roleOf(lone: Lone): Role {
  return lone.raft.status().role;
}

// §5.1 terms

for (const role of ['follower', 'candidate', 'leader'] as const) {
  test(`§5.1 RAFT-2 a ${role} that hears of a later term enters it as a follower`, () => {
    const lone = new Lone(bare);
    if (role === 'candidate') lone.raft.campaign();
    if (role === 'leader') lone.elected();
    lone.settle();
    assert.equal(roleOf(lone), role);
    lone.step({ ...append, from: '2', term: 7 });
    assert.deepEqual(
      [roleOf(lone), lone.raft.status().term, lone.raft.status().leader],
      ['follower', 7, '2'],
    );
  });
}

test('§5.1 a message of an earlier term is refused', () => {
  const lone = new Lone({ ...bare, hardState: { term: 5 } });
  lone.step({ ...append, from: '2', term: 4, entries: [entryOf(1, 4)] });
  assert.deepEqual([lone.settle(), lone.raft.status().lastIndex], [[], 0]);
});

// §5.2 leader election

test('§5.2 a follower that hears nothing for its election timeout asks all others for votes', () => {
  const lone = new Lone({ ...bare, electionTicks: 5 });
  lone.ticks(4);
  assert.equal(roleOf(lone), 'follower');
  lone.ticks(1);
  assert.equal(roleOf(lone), 'candidate');
  assert.deepEqual(
    lone.sent('vote').map(({ to, term }) => [to, term]),
    [
      ['2', 1],
      ['3', 1],
    ],
  );
});

test('§5.2 a follower that hears its leader does not campaign', () => {
  const lone = new Lone({ ...bare, electionTicks: 5 });
  for (let i = 0; i < 10; i++) {
    lone.ticks(3);
    lone.step({ type: 'heartbeat', from: '2', term: 1, commit: 0, round: 0 });
  }
  assert.equal(roleOf(lone), 'follower');
});

const elections: [string, number, [boolean, boolean, boolean, boolean], Role][] = [
  ['all say yes', 4, [true, true, true, true], 'leader'],
  ['a majority is enough', 2, [true, true, false, false], 'leader'],
  ['one less is not', 1, [true, false, false, false], 'candidate'],
  ['a majority says no', 3, [false, false, false, false], 'follower'],
];
for (const [name, count, answers, want] of elections) {
  test(`§5.2 RAFT-1 of five members ${name}: ${want}`, () => {
    const lone = new Lone({ ...bare, conf: confOf(['1', '2', '3', '4', '5']) });
    lone.raft.campaign();
    lone.settle();
    for (const [i, granted] of answers.slice(0, count).entries()) {
      lone.step({ type: 'vote-response', from: String(i + 2), term: 1, granted });
    }
    assert.equal(roleOf(lone), want);
  });
}

test('§5.2 an answer that comes twice counts once', () => {
  const lone = new Lone({ ...bare, conf: confOf(['1', '2', '3', '4', '5']) });
  lone.raft.campaign();
  lone.settle();
  for (let i = 0; i < 3; i++) lone.step({ type: 'vote-response', from: '2', term: 1, granted: true });
  assert.equal(roleOf(lone), 'candidate');
});

test('§5.2 RAFT-8 a candidate counts its own vote only when it is durable', () => {
  const lone = new Lone(bare);
  lone.raft.campaign();
  const ready = lone.raft.ready();
  lone.step({ type: 'vote-response', from: '2', term: 1, granted: true });
  assert.equal(roleOf(lone), 'candidate');
  assert.ok(ready?.mustSync);
  lone.raft.advance(ready);
  assert.equal(roleOf(lone), 'leader');
});

test('§5.2 RAFT-1 one vote per term, first come first served, and again to the same candidate', () => {
  const lone = new Lone(bare);
  const ask = (from: string): boolean | undefined => {
    lone.step({ type: 'vote', from, term: 3, lastIndex: 0, lastTerm: 0, isTransfer: false });
    return lone.sent('vote-response')[0]?.granted;
  };
  assert.deepEqual([ask('2'), ask('3'), ask('2')], [true, false, true]);
});

test('§5.2 RAFT-1 the vote is remembered over a restart', () => {
  const lone = new Lone({ ...bare, hardState: { term: 3, vote: '2' } });
  lone.step({ type: 'vote', from: '3', term: 3, lastIndex: 9, lastTerm: 2, isTransfer: false });
  assert.equal(lone.sent('vote-response')[0]?.granted, false);
});

test('§5.2 a candidate yields to a leader of its own term', () => {
  const lone = new Lone(bare);
  lone.raft.campaign();
  lone.settle();
  lone.step({ ...append, from: '3', term: 1 });
  assert.deepEqual([roleOf(lone), lone.raft.status().leader], ['follower', '3']);
});

test('§5.2 RAFT-1 two leaders in one term stop the member that sees them', () => {
  const lone = new Lone(bare).elected();
  assert.throws(() => lone.step({ ...append, from: '3', term: 1 }), /RAFT-1/);
});

test('§5.2 election timeouts are spread over [electionTicks, 2 × electionTicks)', () => {
  const seen = new Set<number>();
  for (let jitter = 0; jitter < 10; jitter++) {
    const lone = new Lone({ ...bare, electionTicks: 10, jitter: (below) => Math.min(jitter, below - 1) });
    let ticks = 0;
    while (roleOf(lone) === 'follower') {
      lone.ticks(1);
      ticks++;
    }
    seen.add(ticks);
  }
  assert.deepEqual([...seen], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test('§5.2 a leader sends heartbeats to all, each heartbeatTicks', () => {
  const lone = new Lone({ ...bare, heartbeatTicks: 2, electionTicks: 10 }).elected();
  lone.settle();
  lone.ticks(2); // its first append has told them that it leads
  assert.equal(lone.sent('heartbeat').length, 0);
  lone.ticks(4);
  assert.deepEqual(
    lone.sent('heartbeat').map(({ to }) => to),
    ['2', '3', '2', '3'],
  );
});

test('§5.2 RAFT-9 an append stands in for a heartbeat, but not for one that a read waits for', () => {
  const lone = new Lone({ ...bare, electionTicks: 10 }).elected();
  lone.acknowledge('2', 1);
  lone.settle();
  const beatsTo2 = (): number => lone.sent('heartbeat').filter(({ to }) => to === '2').length;
  lone.ticks(1);
  lone.settle();
  lone.raft.propose(new Uint8Array(1));
  lone.settle();
  lone.ticks(1);
  assert.equal(beatsTo2(), 0, 'the proposal told it');
  lone.raft.propose(new Uint8Array(1));
  lone.raft.readIndex('a read');
  lone.settle();
  lone.ticks(1);
  assert.equal(beatsTo2(), 1, 'the round is repeated until it is answered');
});

// §5.4.1 election restriction

const votes: [string, number, number, boolean][] = [
  ['an equal log', 2, 2, true],
  ['a longer log of the same last term', 3, 2, true],
  ['a later last term in a shorter log', 1, 3, true],
  ['a shorter log of the same last term', 1, 2, false],
  ['an earlier last term in a longer log', 9, 1, false],
];
for (const [name, lastIndex, lastTerm, want] of votes) {
  test(`§5.4.1 RAFT-16 ${name} gets ${want ? 'the vote' : 'no vote'}`, () => {
    const lone = new Lone({ ...bare, logTerms: [1, 2] });
    lone.step({ type: 'vote', from: '2', term: 4, lastIndex, lastTerm, isTransfer: false });
    assert.equal(lone.sent('vote-response')[0]?.granted, want);
  });
}

// thesis §9.6 pre-vote, §6.2 leases

test('§9.6 asking for pre-votes changes neither term nor vote, and needs no write', () => {
  const lone = new Lone({ electionTicks: 5 });
  lone.ticks(50);
  const ready = lone.raft.ready();
  assert.equal(ready?.mustSync, false);
  assert.equal(lone.raft.status().term, 0);
  assert.equal(roleOf(lone), 'pre-candidate');
});

test('§9.6 granting a pre-vote changes nothing, so it may be granted to several', () => {
  const lone = new Lone();
  const ask = (from: string): boolean | undefined => {
    lone.step({ type: 'pre-vote', from, term: 1, lastIndex: 0, lastTerm: 0 });
    return lone.sent('pre-vote-response')[0]?.granted;
  };
  assert.deepEqual([ask('2'), ask('3')], [true, true]);
  assert.equal(lone.raft.status().term, 0);
});

test('§9.6 a majority of pre-votes starts the election, and grants for an earlier one do not', () => {
  const lone = new Lone({ hardState: { term: 4 } });
  lone.raft.campaign();
  lone.step({ type: 'pre-vote-response', from: '2', term: 4, granted: true });
  assert.equal(roleOf(lone), 'pre-candidate');
  lone.step({ type: 'pre-vote-response', from: '2', term: 5, granted: true });
  assert.deepEqual([roleOf(lone), lone.raft.status().term], ['candidate', 5]);
});

test('§9.6 a refusal from a later term brings the asker up to it', () => {
  const lone = new Lone();
  lone.raft.campaign();
  lone.step({ type: 'pre-vote-response', from: '2', term: 6, granted: false });
  assert.deepEqual([roleOf(lone), lone.raft.status().term], ['follower', 6]);
});

test('§6.2 within the lease nobody who campaigns is answered, unless the leader asked for it', () => {
  const lone = new Lone({ electionTicks: 5 });
  lone.step({ ...append, from: '2', term: 1 });
  lone.settle();
  const ask = { from: '3', term: 2, lastIndex: 0, lastTerm: 0 };
  lone.step({ ...ask, type: 'pre-vote' });
  lone.step({ ...ask, type: 'vote', isTransfer: false });
  assert.deepEqual([lone.settle(), lone.raft.status().term], [[], 1]);
  lone.step({ ...ask, type: 'vote', isTransfer: true });
  assert.equal(lone.sent('vote-response')[0]?.granted, true);
});

test('§6.2 a leader that does not hear a majority within an election timeout steps down', () => {
  const lone = new Lone({ electionTicks: 5 }).elected();
  lone.step({ type: 'heartbeat-response', from: '2', term: 1, round: 0 });
  lone.ticks(5);
  assert.equal(roleOf(lone), 'leader');
  lone.ticks(5);
  assert.equal(roleOf(lone), 'follower');
});
