import type { FilterPlugin } from '../core/framework.ts';

/** spec.nodeName of a pod that still goes through the scheduler. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  wakesOn: ['NodeAdd'],
  filter({ pod }) {
    const wanted = pod.spec.nodeName ?? '';
    if (wanted === '') return undefined;
    return ({ name }) =>
      name === wanted
        ? undefined
        : { reasons: ["node(s) didn't match the requested node name"], isUnresolvable: true };
  },
};
