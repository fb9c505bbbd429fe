import type { FilterPlugin } from '../core/framework.ts';
import { requiredNodeAffinity } from '../core/node-selector.ts';

/** spec.nodeSelector and required node affinity. */
export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  wakesOn: ['NodeAdd', 'NodeLabel'],
  filter({ pod }) {
    const matches = requiredNodeAffinity(pod);
    if (matches === undefined) return undefined;
    return ({ node }) =>
      matches(node)
        ? undefined
        : { reasons: ["node(s) didn't match Pod's node affinity/selector"], isUnresolvable: true };
  },
};
