import type { FilterPlugin } from '../core/framework.ts';
import { portsClash } from '../core/pod-info.ts';

/** Host ports are taken once on each node. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  wakesOn: ['NodeAdd', 'AssignedPodDelete'],
  filter({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return (node) => {
      for (const other of node.pods()) {
        if (other.hostPorts.some((taken) => hostPorts.some((wanted) => portsClash(wanted, taken)))) {
          return { reasons: ["node(s) didn't have free ports for the requested pod ports"] };
        }
      }
      return undefined;
    };
  },
};
