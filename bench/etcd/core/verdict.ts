import type { FigureSpec } from './figures.ts';

export type Verdict = 'target' | 'floor' | 'missed' | 'told';

export interface Judgement {
  readonly verdict: Verdict;
  /** For people: `missed by 12 %`. */
  readonly text: string;
}

/** Holds a ratio (or, of an absolute figure, our value) against floor and target. */
export function judge({ better, floor, target }: FigureSpec, value: number): Judgement {
  const reaches = (limit: number | undefined) =>
    limit !== undefined && (better === 'more' ? value >= limit : value <= limit);
  if (floor === undefined) return { verdict: 'told', text: '' };
  if (reaches(target)) return { verdict: 'target', text: 'target reached' };
  if (reaches(floor)) return { verdict: 'floor', text: 'floor reached' };
  const missing = Math.abs(value - floor) / floor;
  return { verdict: 'missed', text: `missed by ${Math.max(1, Math.round(missing * 100))} %` };
}
