import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { confOf, type InitialState, nextConf, decodeConfChange } from 'raft-consensus';
import { changeEntry } from '../core/member-change-codec.ts';
import { type MemberRecord, Members } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import { entriesToBeAlone } from './force-new-cluster.ts';

const record = (raftId: string, isLearner = false): MemberRecord => memberRecord(raftId, { isLearner });

function initial(
  voters: string[],
  learners: string[],
  entries: InitialState['log']['entries'],
): InitialState {
  return {
    hardState: { term: 4, vote: undefined, commit: 10 },
    conf: confOf(voters, learners),
    log: { snapshotIndex: 10, snapshotTerm: 3, entries },
  };
}

/** The configuration after all of the log. */
function confAfter(state: InitialState, added: InitialState['log']['entries']) {
  let { conf } = state;
  for (const { type, data } of [...state.log.entries, ...added])
    if (type === 'conf-change') conf = nextConf(conf, decodeConfChange(data));
  return conf;
}

describe('--force-new-cluster', () => {
  test('CONF-3 removes the others one by one, after whatever the log still holds', () => {
    const later = changeEntry(
      { change: { kind: 'add', member: record('d'), learnersMax: 1 }, proposer: 'a', id: 1 },
      { term: 4, index: 11 },
    );
    const state = initial(['a', 'b', 'c'], [], [later]);
    const added = entriesToBeAlone(state, new Members(['a', 'b', 'c'].map((id) => record(id))), 'a');
    assert.deepEqual(
      added.map(({ index, term }) => [index, term]),
      [
        [12, 4],
        [13, 4],
        [14, 4],
      ],
    );
    assert.deepEqual(confAfter(state, added), confOf(['a']));
  });

  test('a learner that is left becomes the voter', () => {
    const state = initial(['a', 'b'], ['l'], []);
    const members = new Members([record('a'), record('b'), record('l', true)]);
    assert.deepEqual(confAfter(state, entriesToBeAlone(state, members, 'l')), confOf(['l']));
  });

  test('CONF-1 a member that was removed makes no cluster', () => {
    const state = initial(['a', 'b'], [], []);
    assert.throws(() => entriesToBeAlone(state, new Members([record('a')], ['c']), 'c'), /CONF-1/);
  });
});
