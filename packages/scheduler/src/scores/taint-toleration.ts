import type { ScorePlugin } from '../core/framework.ts';
import { scaleToMax } from '../core/normalize.ts';
import { tolerates } from '../core/taints.ts';

/** Fewer untolerated PreferNoSchedule taints are better. */
export const taintTolerationScore: ScorePlugin = {
  name: 'TaintToleration',
  score({ pod }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(
      ({ effect = '' }) => effect === '' || effect === 'PreferNoSchedule',
    );
    return {
      score: ({ node }) =>
        (node.spec?.taints ?? []).filter(
          (taint) =>
            taint.effect === 'PreferNoSchedule' &&
            !tolerations.some((toleration) => tolerates(toleration, taint)),
        ).length,
      normalize: (scores) => scaleToMax(scores, true),
    };
  },
};
