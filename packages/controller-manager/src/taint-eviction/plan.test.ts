import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stay, stayUnder } from './plan.ts';

const unreachable = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const gpu = { key: 'gpu', value: 'yes', effect: 'NoExecute' };
const noSchedule = { key: 'x', effect: 'NoSchedule' };
const forSeconds = (tolerationSeconds: number) => ({ ...unreachable, operator: 'Exists', tolerationSeconds });

const cases: [
  name: string,
  taints: (typeof gpu | typeof unreachable)[],
  tolerations: object[],
  want: Stay,
][] = [
  ['no NoExecute taint', [noSchedule], [], 'forever'],
  ['an untolerated taint', [unreachable], [], 'now'],
  ['tolerated for a while', [unreachable], [forSeconds(300)], { ms: 300_000 }],
  ['the shortest of several counts', [unreachable], [forSeconds(300), forSeconds(5)], { ms: 5_000 }],
  ['no time at all', [unreachable], [forSeconds(0)], 'now'],
  ['less than no time', [unreachable], [forSeconds(-1)], 'now'],
  ['tolerated for ever', [unreachable], [{ operator: 'Exists' }], 'forever'],
  ['Equal compares values', [gpu], [{ key: 'gpu', value: 'no' }], 'now'],
  ['Equal is the default operator', [gpu], [{ key: 'gpu', value: 'yes' }], 'forever'],
  ['one of two taints is not tolerated', [gpu, unreachable], [forSeconds(300)], 'now'],
  [
    'another effect does not tolerate',
    [gpu],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }],
    'now',
  ],
];

for (const [name, taints, tolerations, want] of cases) {
  test(`a pod's stay under taints: ${name}`, () => {
    assert.deepEqual(stayUnder(taints, tolerations), want);
  });
}
