import { SCORE_MAX, type ScorePlugin } from '../core/framework.ts';

/** NodeResourcesFit's scoring strategy LeastAllocated: the emptier by cpu and memory, the better. */
export const leastAllocated: ScorePlugin = byShare((requested, capacity) =>
  requested > capacity ? 0 : ((capacity - requested) * SCORE_MAX) / capacity,
);

/** The opposite, MostAllocated: fills one node before it begins the next. */
export const mostAllocated: ScorePlugin = byShare(
  (requested, capacity) => (Math.min(requested, capacity) * SCORE_MAX) / capacity,
);

/** The mean over cpu and memory, in whole numbers as upstream. */
function byShare(share: (requested: number, capacity: number) => number): ScorePlugin {
  return {
    name: 'NodeResourcesFit',
    score: ({ nonZero }) => ({
      score({ nonZeroRequested, allocatable }) {
        const scoreOf = (name: 'cpu' | 'memory') => {
          const capacity = allocatable[name] ?? 0;
          return capacity === 0 ? 0 : Math.floor(share(nonZeroRequested[name] + nonZero[name], capacity));
        };
        return Math.floor((scoreOf('cpu') + scoreOf('memory')) / 2);
      },
    }),
  };
}
