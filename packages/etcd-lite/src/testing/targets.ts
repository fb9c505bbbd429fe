import { execFileSync } from 'node:child_process';
import { startRealEtcd, startStore, type TestStore } from '@kubelab/rpc/testing';
import { MAIN } from './processes.ts';

/** A store that speaks etcd's API: the real one, or ours. The same tests must pass against both. */
export interface Target {
  readonly name: string;
  /** A reason to leave it out, e.g. that it is not installed here. */
  readonly skip: string | false;
  start(): Promise<TestStore>;
}

export const targets: readonly Target[] = [
  { name: 'etcd', skip: isInstalled('etcd') ? false : 'no etcd on this machine', start: startRealEtcd },
  { name: 'etcd-lite', skip: false, start: () => startStore(process.execPath, [MAIN]) },
];

export function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
