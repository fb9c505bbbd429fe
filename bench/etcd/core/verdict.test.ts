import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FIGURE_IDS, FIGURES, type FigureSpec, figuresOf } from './figures.ts';
import { judge } from './verdict.ts';

const base = { goal: 'G1', what: '', unit: '/s', compare: 'ratio' } as const;
const rate: FigureSpec = { ...base, better: 'more', floor: 1.3, target: 2 };
const time: FigureSpec = { ...base, better: 'less', floor: 0.9, target: 0.7 };

suite('verdict', () => {
  const cases: [string, FigureSpec, number, string][] = [
    ['a rate above its target reaches it', rate, 2.5, 'target reached'],
    ['a rate right at its target reaches it', rate, 2, 'target reached'],
    ['a rate right at its floor reaches that only', rate, 1.3, 'floor reached'],
    ['a rate below its floor misses it by what lacks', rate, 0.65, 'missed by 50 %'],
    ['a time below its target reaches it', time, 0.5, 'target reached'],
    ['a time between floor and target reaches the floor', time, 0.8, 'floor reached'],
    ['a time above its floor misses it by what is too much', time, 1.8, 'missed by 100 %'],
    ['a miss is never told as one by 0 %', time, 0.9001, 'missed by 1 %'],
    ['a figure without a floor is only told', { ...base, better: 'less' }, 7, ''],
  ];
  for (const [name, spec, value, text] of cases) {
    test(name, () => assert.equal(judge(spec, value).text, text));
  }
});

suite('figures', () => {
  test('every goal from G1 to G18 has a figure with a floor', () => {
    for (let i = 1; i <= 18; i++) {
      const specs: FigureSpec[] = FIGURE_IDS.map((id) => FIGURES[id]);
      assert.ok(
        specs.some(({ goal, floor }) => goal === `G${i}` && floor !== undefined),
        `G${i}`,
      );
    }
  });

  test('a target is never easier than its floor', () => {
    for (const id of FIGURE_IDS) {
      const spec: FigureSpec = FIGURES[id];
      if (spec.floor === undefined || spec.target === undefined) continue;
      assert.ok(spec.better === 'more' ? spec.target > spec.floor : spec.target < spec.floor, id);
    }
  });

  test('goals pick their figures, no goal picks all, and a word that is none is told', () => {
    assert.deepEqual(figuresOf(['G5']), { ids: ['put-3-p50', 'put-3-p99'] });
    assert.deepEqual(figuresOf([]), { ids: FIGURE_IDS });
    assert.deepEqual(figuresOf(['G3', 'g3']), { unknown: 'g3' });
  });
});
