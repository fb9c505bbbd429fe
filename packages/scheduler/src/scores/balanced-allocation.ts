import { SCORE_MAX, type ScorePlugin } from '../core/framework.ts';

/** Nodes whose cpu and memory would be used to the same degree: neither is stranded. */
export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  score({ requests }) {
    // A pod that asks for nothing changes no balance.
    if ((requests['cpu'] ?? 0) === 0 && (requests['memory'] ?? 0) === 0) return undefined;
    return {
      score({ requested, allocatable }) {
        const share = (name: 'cpu' | 'memory') => {
          const capacity = allocatable[name] ?? 0;
          return capacity === 0
            ? 0
            : Math.min(1, ((requested[name] ?? 0) + (requests[name] ?? 0)) / capacity);
        };
        // The standard deviation of two values is half their distance.
        return Math.floor((1 - Math.abs(share('cpu') - share('memory')) / 2) * SCORE_MAX);
      },
    };
  },
};
