export { createKubelet, type Kubelet, type KubeletOptions } from './kubelet.ts';
export { kubeletFlags } from './flags.ts';
export type { Runtime } from './runtime/types.ts';
