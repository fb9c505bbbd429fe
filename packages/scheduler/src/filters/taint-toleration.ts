import type { FilterPlugin } from '../core/framework.ts';
import { untolerated } from '../core/taints.ts';

const EFFECTS = ['NoSchedule', 'NoExecute'];

/** Taints repel what does not tolerate them; PreferNoSchedule is the score's business. */
export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  wakesOn: ['NodeAdd', 'NodeTaint'],
  filter({ pod }) {
    return ({ node }) => {
      const taint = untolerated(node.spec?.taints, pod.spec.tolerations, EFFECTS);
      if (taint === undefined) return undefined;
      const reason = `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
      return { reasons: [reason], isUnresolvable: true };
    };
  },
};
