import type { ScorePlugin } from '../core/framework.ts';
import { nodeSelectorTermMatcher } from '../core/node-selector.ts';
import { scaleToMax } from '../core/normalize.ts';

/** The weights of the preferred node affinity terms that match. */
export const nodeAffinityScore: ScorePlugin = {
  name: 'NodeAffinity',
  score({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    const terms = preferred.map(({ weight, preference }) => ({
      weight,
      matches: nodeSelectorTermMatcher(preference),
    }));
    return {
      score: ({ node }) => terms.reduce((sum, { weight, matches }) => sum + (matches(node) ? weight : 0), 0),
      normalize: (scores) => scaleToMax(scores),
    };
  },
};
