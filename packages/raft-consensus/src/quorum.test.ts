import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quorumIndex, type VoteResult, voteResult } from './quorum.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const someIds = (minLength: number): fc.Arbitrary<string[]> => fc.subarray(IDS, { minLength });
const halves = fc.record({ voters: someIds(1), votersOutgoing: someIds(0) });

/** The definition itself: the greatest index that a majority of each half has reached. */
function naiveIndex(conf: { voters: string[]; votersOutgoing: string[] }, at: Map<string, number>): number {
  for (let index = 20; index > 0; index--) {
    const isReached = [conf.voters, conf.votersOutgoing]
      .filter((half) => half.length > 0)
      .every((half) => half.filter((id) => (at.get(id) ?? 0) >= index).length * 2 > half.length);
    if (isReached) return index;
  }
  return 0;
}

/** Won if it is won however the silent ones vote, lost if it is lost however they vote. */
function naiveVote(
  conf: { voters: string[]; votersOutgoing: string[] },
  votes: Map<string, boolean>,
): VoteResult {
  const wins = (silent: boolean): boolean =>
    [conf.voters, conf.votersOutgoing]
      .filter((half) => half.length > 0)
      .every((half) => half.filter((id) => votes.get(id) ?? silent).length * 2 > half.length);
  if (wins(false)) return 'won';
  return wins(true) ? 'pending' : 'lost';
}

test('the quorum index is the greatest that a majority of each half has reached', () => {
  fc.assert(
    fc.property(halves, fc.array(fc.nat(20), { minLength: 7, maxLength: 7 }), (conf, indexes) => {
      const at = new Map(IDS.map((id, i) => [id, indexes[i] ?? 0]));
      assert.equal(
        quorumIndex(conf, (id) => at.get(id) ?? 0),
        naiveIndex(conf, at),
      );
    }),
    { numRuns: 2000 },
  );
});

test('a vote is won or lost exactly when the silent voters cannot change it any more', () => {
  const vote = fc.option(fc.boolean(), { nil: undefined });
  fc.assert(
    fc.property(halves, fc.array(vote, { minLength: 7, maxLength: 7 }), (conf, answers) => {
      const votes = new Map<string, boolean>();
      for (const [i, answer] of answers.entries()) if (answer !== undefined) votes.set(IDS[i] ?? '', answer);
      assert.equal(
        voteResult(conf, (id) => votes.get(id)),
        naiveVote(conf, votes),
      );
    }),
    { numRuns: 2000 },
  );
});

test('two quorums of one configuration always share a voter', () => {
  fc.assert(
    fc.property(halves, someIds(0), someIds(0), (conf, some, others) => {
      const wins = (ids: string[]): boolean => voteResult(conf, (id) => ids.includes(id)) === 'won';
      fc.pre(wins(some) && wins(others));
      assert.ok(some.some((id) => others.includes(id)));
    }),
  );
});
