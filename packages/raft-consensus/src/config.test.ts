import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RaftOptions, raftConfig } from './config.ts';

test('an id is enough: pre-vote and check-quorum are on, lease reads off', () => {
  const { preVote, checkQuorum, readOnly } = raftConfig({ id: '1' });
  assert.deepEqual(
    { preVote, checkQuorum, readOnly },
    { preVote: true, checkQuorum: true, readOnly: 'safe' },
  );
});

const refused: [string, Partial<RaftOptions>, RegExp][] = [
  ['an empty id', { id: '' }, /id/],
  ['an election timeout within the heartbeat', { electionTicks: 3, heartbeatTicks: 3 }, /electionTicks/],
  ['a fraction of a tick', { heartbeatTicks: 0.5 }, /heartbeatTicks/],
  ['no window', { inflightMessagesMax: 0 }, /inflightMessagesMax/],
  ['a window smaller than a message', { inflightBytesMax: 10 }, /inflightBytesMax/],
  ['lease reads without check-quorum', { readOnly: 'lease', checkQuorum: false }, /checkQuorum/],
];
for (const [name, options, message] of refused) {
  test(`the configuration refuses ${name}`, () => {
    assert.throws(() => raftConfig({ id: '1', ...options }), { name: 'RangeError', message });
  });
}
