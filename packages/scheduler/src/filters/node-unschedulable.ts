import type { FilterPlugin } from '../core/framework.ts';
import { tolerates } from '../core/taints.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** `kubectl cordon`: spec.unschedulable keeps pods away, unless they tolerate the taint of that name. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  wakesOn: ['NodeAdd', 'NodeTaint'],
  filter({ pod }) {
    const isTolerated = (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, TAINT));
    if (isTolerated) return undefined;
    return ({ node }) =>
      node.spec?.unschedulable === true
        ? { reasons: ['node(s) were unschedulable'], isUnresolvable: true }
        : undefined;
  },
};
