import { SCORE_MAX, type ScorePlugin } from '../core/framework.ts';

/** NodeResourcesFit's scoring strategy LeastAllocated: the emptier by cpu and memory, the better. */
export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  score: ({ nonZero }) => ({
    score({ nonZeroRequested, allocatable }) {
      const cpu = freeShare(nonZeroRequested.cpu + nonZero.cpu, allocatable['cpu'] ?? 0);
      const memory = freeShare(nonZeroRequested.memory + nonZero.memory, allocatable['memory'] ?? 0);
      return Math.floor((cpu + memory) / 2);
    },
  }),
};

/** The opposite, MostAllocated: fills one node before it begins the next. */
export const mostAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  score: ({ nonZero }) => ({
    score({ nonZeroRequested, allocatable }) {
      const cpu = usedShare(nonZeroRequested.cpu + nonZero.cpu, allocatable['cpu'] ?? 0);
      const memory = usedShare(nonZeroRequested.memory + nonZero.memory, allocatable['memory'] ?? 0);
      return Math.floor((cpu + memory) / 2);
    },
  }),
};

function freeShare(requested: number, capacity: number): number {
  return capacity === 0 || requested > capacity
    ? 0
    : Math.floor(((capacity - requested) * SCORE_MAX) / capacity);
}

function usedShare(requested: number, capacity: number): number {
  return capacity === 0 ? 0 : Math.floor((Math.min(requested, capacity) * SCORE_MAX) / capacity);
}
