import { SCORE_MAX } from './framework.ts';

/** Scales so that the highest becomes 100; `reverse` for counts of what is bad. */
export function scaleToMax(scores: readonly number[], reverse = false): number[] {
  const max = Math.max(0, ...scores);
  if (max === 0) return scores.map(() => (reverse ? SCORE_MAX : 0));
  return scores.map((score) => {
    const scaled = Math.floor((score * SCORE_MAX) / max);
    return reverse ? SCORE_MAX - scaled : scaled;
  });
}

/** Scales so that the lowest becomes 0 and the highest 100. */
export function scaleMinToMax(scores: readonly number[]): number[] {
  const min = Math.min(...scores);
  const span = Math.max(...scores) - min;
  return scores.map((score) => (span === 0 ? 0 : Math.floor((SCORE_MAX * (score - min)) / span)));
}
