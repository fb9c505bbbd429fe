import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ConfChangeStep,
  ConfChangeError,
  type ConfTransition,
  checkConf,
  confChange,
  decodeConfChange,
  encodeConfChange,
  isJoint,
  leaveJoint,
  nextConf,
} from './conf-change.ts';
import { voteResult } from './quorum.ts';
import { describeConf } from './testing/describe.ts';
import { type ConfState, confOf } from './types.ts';

const add = (node: string): ConfChangeStep => ({ type: 'add-voter', node });
const learn = (node: string): ConfChangeStep => ({ type: 'add-learner', node });
const remove = (node: string): ConfChangeStep => ({ type: 'remove', node });

const cases: [string, ConfState, ConfChangeStep[], ConfTransition, string][] = [
  ['one voter more is one step', confOf(['1', '2']), [add('3')], 'auto', 'voters=1,2,3'],
  ['a learner is no change of voters', confOf(['1']), [learn('2')], 'auto', 'voters=1 learners=2'],
  ['a learner is promoted', confOf(['1'], ['2']), [add('2')], 'auto', 'voters=1,2'],
  ['a voter is removed', confOf(['1', '2', '3']), [remove('2')], 'auto', 'voters=1,3'],
  ['removing a stranger changes nothing', confOf(['1']), [remove('9')], 'auto', 'voters=1'],
  [
    'two voters change through a joint configuration',
    confOf(['1', '2', '3']),
    [add('4'), remove('1')],
    'auto',
    'voters=2,3,4 outgoing=1,2,3 auto-leave',
  ],
  [
    'a demoted voter waits in learnersNext',
    confOf(['1', '2', '3']),
    [learn('3'), add('4')],
    'auto',
    'voters=1,2,4 outgoing=1,2,3 learners-next=3 auto-leave',
  ],
  ['explicit: the application leaves', confOf(['1']), [add('2')], 'joint-explicit', 'voters=1,2 outgoing=1'],
];

for (const [name, conf, steps, transition, want] of cases) {
  test(`RAFT-14 ${name}`, () => {
    assert.equal(describeConf(nextConf(conf, { transition, steps, context: '' })), want);
  });
}

test('RAFT-14 leaving a joint configuration makes learners of those who waited for it', () => {
  const joint = nextConf(confOf(['1', '2', '3']), confChange([learn('3'), add('4')]));
  assert.equal(describeConf(nextConf(joint, leaveJoint)), 'voters=1,2,4 learners=3');
});

test('a change that does not fit is refused and changes nothing', () => {
  const joint = nextConf(confOf(['1', '2', '3']), confChange([add('4'), add('5')]));
  assert.throws(() => nextConf(joint, confChange([add('6')])), ConfChangeError);
  assert.throws(() => nextConf(confOf(['1']), leaveJoint), ConfChangeError);
  assert.throws(() => nextConf(confOf(['1']), confChange([remove('1')])), ConfChangeError);
  assert.throws(() => decodeConfChange(new TextEncoder().encode('null')), ConfChangeError);
  assert.throws(() => decodeConfChange(new TextEncoder().encode('{')), ConfChangeError);
});

test('a change survives its encoding', () => {
  const change = confChange([add('4'), learn('2')], 'four at http://10.0.0.4:2380');
  assert.deepEqual(decodeConfChange(encodeConfChange(change)), change);
});

test('RAFT-14 any chain of changes keeps configurations sound, and neighbours never decide apart', () => {
  const ids = ['1', '2', '3', '4', '5'];
  const step = fc.record({
    type: fc.constantFrom<ConfChangeStep['type']>('add-voter', 'add-learner', 'remove'),
    node: fc.constantFrom(...ids),
  });
  const change = fc.record({
    transition: fc.constantFrom<ConfTransition>('auto', 'joint-implicit', 'joint-explicit'),
    steps: fc.array(step, { maxLength: 3 }),
    context: fc.constant(''),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.subarray(ids), (changes, some) => {
      let conf = confOf(['1', '2', '3']);
      for (const each of changes) {
        let next: ConfState;
        try {
          next = nextConf(conf, isJoint(conf) ? leaveJoint : each);
        } catch (error) {
          assert.ok(error instanceof ConfChangeError);
          continue;
        }
        checkConf(next);
        // Were both won, by `some` in the one and by all others in the other, two leaders could be elected
        // in one term.
        const before = voteResult(conf, (id) => some.includes(id));
        const after = voteResult(next, (id) => !some.includes(id));
        assert.ok(!(before === 'won' && after === 'won'), `${describeConf(conf)} → ${describeConf(next)}`);
        conf = next;
      }
    }),
    { numRuns: 2000 },
  );
});
