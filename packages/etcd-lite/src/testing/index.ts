export { ProcessCluster, type ProcessClusterOptions } from './processes.ts';
export { isInstalled } from './targets.ts';
