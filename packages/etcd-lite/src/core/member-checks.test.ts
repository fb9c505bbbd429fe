import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAdd, checkInSync, checkPromote, checkRemove, type Connections } from './member-checks.ts';
import { memberRecord } from '../testing/member-record.ts';
import { Members } from './members.ts';

/** `1` is asked. Upper case: started; with `*`: a learner. */
function cluster(...members: string[]): Members {
  return new Members(
    members.map((word) => {
      const name = word.includes('-') ? '' : 'started';
      return memberRecord(word.replace(/[^0-9]/g, ''), { name, isLearner: word.includes('*') });
    }),
  );
}

/** Who is connected, and since when: `2` for long, `2~` for a second, not named: not. */
function connected(...words: string[]): Connections {
  const since = new Map(words.map((word) => [word.replace('~', ''), word.includes('~') ? 99_000 : 1000]));
  return { self: '1', nowMs: 100_000, activeSinceMs: (raftId) => since.get(raftId) };
}

const unhealthy = 'etcdserver: unhealthy cluster';
const few = 're-configuration failed due to not enough started members';

function outcome(check: () => void): string {
  try {
    check();
    return 'ok';
  } catch (error) {
    return (error as { details: string }).details;
  }
}

describe('strict reconfiguration, as etcd has it', () => {
  const adds: readonly [string, Members, boolean, Connections, string][] = [
    ['a member alone may grow', cluster('1'), false, connected(), 'ok'],
    ['two may, when they are connected', cluster('1', '2'), false, connected('2'), 'ok'],
    ['two may not, when they are not', cluster('1', '2'), false, connected(), unhealthy],
    ['nor when they have only just met', cluster('1', '2'), false, connected('2~'), unhealthy],
    [
      'three with one away may not: with a fourth it takes three',
      cluster('1', '2', '3'),
      false,
      connected('2'),
      unhealthy,
    ],
    ['not even a learner', cluster('1', '2', '3'), true, connected('2'), unhealthy],
    ['four with one away may', cluster('1', '2', '3', '4'), false, connected('2', '3'), 'ok'],
    [
      'two, one of which never started: no voter',
      cluster('1', '2-'),
      false,
      connected(),
      `etcdserver: ${few}`,
    ],
    ['learners count for nothing', cluster('1', '2*'), false, connected(), 'ok'],
  ];
  for (const [name, members, isLearner, connections, want] of adds) {
    test(`adding: ${name}`, () =>
      assert.equal(
        outcome(() => checkAdd(members, isLearner, connections)),
        want,
      ));
  }

  const removals: readonly [string, Members, string, Connections, string][] = [
    ['the last member stays', cluster('1'), '1', connected(), `etcdserver: ${few}`],
    ['a learner may always go', cluster('1', '2*'), '2', connected(), 'ok'],
    ['one that is down may go', cluster('1', '2', '3'), '3', connected('2'), 'ok'],
    ['one that is up may go when all are', cluster('1', '2', '3'), '3', connected('2', '3'), 'ok'],
    ['not when another is down', cluster('1', '2', '3'), '2', connected('2'), unhealthy],
    ['nor the one that is asked', cluster('1', '2', '3'), '1', connected('2'), unhealthy],
    ['what never started goes first', cluster('1', '2', '3-'), '2', connected('2'), `etcdserver: ${few}`],
    ['a stranger is found out later', cluster('1'), '7', connected(), 'ok'],
  ];
  for (const [name, members, raftId, connections, want] of removals) {
    test(`removing: ${name}`, () =>
      assert.equal(
        outcome(() => checkRemove(members, raftId, connections)),
        want,
      ));
  }

  test('promoting: the learner counts as started', () => {
    assert.equal(
      outcome(() => checkPromote(cluster('1', '2*'))),
      'ok',
    );
    assert.equal(
      outcome(() => checkPromote(cluster('1', '2-', '3-', '4*'))),
      `etcdserver: ${few}`,
    );
  });

  test('promoting: a learner must have nine tenths of what the leader has', () => {
    const notReady = 'etcdserver: can only promote a learner member which is in sync with leader';
    assert.equal(
      outcome(() => checkInSync(90, 100)),
      'ok',
    );
    assert.equal(
      outcome(() => checkInSync(89, 100)),
      notReady,
    );
    assert.equal(
      outcome(() => checkInSync(undefined, 100)),
      'etcdserver: member not found',
    );
  });
});
