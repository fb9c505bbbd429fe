import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { confOf, type Message, type ProgressStatus, type Status } from 'raft-consensus';
import { Mailbag, neededForQuorum } from './mailbag.ts';

const append = (to: string, index: number, count = 1): Message => ({
  type: 'append',
  from: 'a',
  to,
  term: 1,
  prevIndex: index - 1,
  prevTerm: 1,
  commit: 0,
  entries: Array.from({ length: count }, (_, i) => ({
    index: index + i,
    term: 1,
    type: 'normal' as const,
    data: Uint8Array.of(1),
  })),
});
const commit = (to: string, index: number): Message => ({
  type: 'commit',
  from: 'a',
  to,
  term: 1,
  commit: index,
});
const heartbeat = (to: string): Message => ({
  type: 'heartbeat',
  from: 'a',
  to,
  term: 1,
  commit: 0,
  round: 1,
});
const propose = (from: string): Message => {
  return { type: 'propose', from, to: 'a', term: 1, entryType: 'normal', data: Uint8Array.of(1) };
};

function progress(match: number, state: ProgressStatus['state'] = 'replicate'): ProgressStatus {
  return {
    match,
    next: match + 1,
    state,
    isLearner: false,
    isRecentlyActive: true,
    isPaused: false,
    pendingSnapshot: 0,
    inflightMessages: 0,
  };
}

type What = Pick<Status, 'id' | 'conf' | 'progress'>;

/** Leader `a` of three, of whom `b` has more of the log than `c`. */
const STATUS: What = {
  id: 'a',
  conf: confOf(['a', 'b', 'c']),
  progress: { a: progress(9), b: progress(8), c: progress(7) },
};

function bag(status: What = STATUS) {
  const sent: string[] = [];
  const clock = new FakeClock();
  const describeMessage = (message: Message): string =>
    `${message.type} ${message.to}${message.type === 'append' ? ` ${message.entries[0]?.index}` : ''}`;
  const peers = {
    send: (messages: readonly Message[]) => void sent.push(messages.map(describeMessage).join(', ')),
  };
  const mailbag = new Mailbag(peers, { status: () => status }, clock);
  return { mailbag, clock, sent };
}

describe('what leaves at once, and what waits', () => {
  test('a lone entry goes to those whom its commit needs; the others get several together', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([append('b', 9), append('c', 9)]);
    mailbag.send([append('b', 10), append('c', 10)]);
    assert.deepEqual(sent, ['append b 9', 'append b 10']);
    await clock.advance(5);
    assert.deepEqual(sent.slice(2), ['append c 9, append c 10']);
    await clock.advance(100);
    assert.equal(sent.length, 3);
  });

  test('entries that came together go to everybody, behind what had to wait', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([append('b', 9), append('c', 9)]);
    mailbag.send([append('b', 10, 2), append('c', 10, 2)]);
    assert.deepEqual(sent, ['append b 9', 'append b 10, append c 9, append c 10']);
    await clock.advance(5);
    assert.equal(sent.length, 2);
  });

  test('how far the log is committed goes with the next append, which says so itself', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([commit('b', 8), commit('c', 8)]);
    mailbag.send([append('b', 9), append('c', 9)]);
    assert.deepEqual(sent, ['append b 9']);
    await clock.advance(5);
    assert.deepEqual(sent.slice(1), ['append c 9']);
  });

  test('or alone after 5 ms', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([commit('b', 8)]);
    await clock.advance(4);
    assert.deepEqual(sent, []);
    await clock.advance(1);
    assert.deepEqual(sent, ['commit b']);
  });

  test('anything else leaves at once, in order with what had to wait', () => {
    const { mailbag, sent } = bag();
    mailbag.send([append('b', 9), append('c', 9)]);
    mailbag.send([heartbeat('b'), heartbeat('c')]);
    assert.deepEqual(sent, ['append b 9', 'heartbeat b, append c 9, heartbeat c']);
  });

  test('a member that has asked for something gets what waits, and for a second everything at once', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([append('b', 9), append('c', 9)]);
    mailbag.heard([propose('c')]);
    mailbag.send([append('b', 10), append('c', 10)]);
    mailbag.send([commit('b', 10), commit('c', 10)]);
    assert.deepEqual(sent, ['append b 9', 'append c 9', 'append b 10, append c 10', 'commit c']);
    await clock.advance(1000);
    mailbag.send([append('b', 11), append('c', 11)]);
    assert.equal(sent.at(-1), 'append b 11');
  });

  test('under a new leader everything leaves at once for a second', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.leads();
    mailbag.send([append('b', 9), append('c', 9), commit('b', 8)]);
    assert.deepEqual(sent, ['append b 9, append c 9, commit b']);
    await clock.advance(1000);
    mailbag.send([commit('b', 9)]);
    assert.equal(sent.length, 1);
  });

  test('nothing leaves after the end', async () => {
    const { mailbag, clock, sent } = bag();
    mailbag.send([commit('b', 8)]);
    mailbag.stop();
    await clock.advance(100);
    assert.deepEqual(sent, []);
  });
});

describe('whom a commit needs', () => {
  const five = { a: progress(9), b: progress(5), c: progress(8), d: progress(7, 'probe'), e: progress(6) };
  const cases: [string, What, string[]][] = [
    ['of three, the one that has most', STATUS, ['b']],
    [
      'of five, two that follow',
      { id: 'a', conf: confOf(['a', 'b', 'c', 'd', 'e']), progress: five },
      ['c', 'e'],
    ],
    [
      'where too few follow, everybody',
      { ...STATUS, progress: { a: progress(9), b: progress(8, 'probe'), c: progress(0, 'snapshot') } },
      ['a', 'b', 'c'],
    ],
    ['never a learner', { ...STATUS, conf: confOf(['a', 'c'], ['b']) }, ['c']],
    [
      'with a leader that is to leave, a quorum without it',
      { ...STATUS, conf: confOf(['b', 'c']) },
      ['b', 'c'],
    ],
    [
      'while two configurations must agree, everybody',
      { ...STATUS, conf: { ...confOf(['a', 'b', 'c']), votersOutgoing: ['a', 'b'] } },
      ['a', 'b', 'c'],
    ],
    ['alone, nobody', { id: 'a', conf: confOf(['a']), progress: { a: progress(9) } }, []],
  ];
  for (const [title, status, needed] of cases) {
    test(title, () => assert.deepEqual(neededForQuorum(status), needed));
  }
});
