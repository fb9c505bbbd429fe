import { join } from 'node:path';
import type { Disk } from '@kubelab/component-base';

/** The data directory is a real etcd's: another format, and not ours to change. */
export class EtcdDataError extends Error {
  constructor(dataDir: string) {
    const database = join(dataDir, 'member', 'snap', 'db');
    super(
      `--data-dir ${dataDir} holds the data of an etcd (${database}). Make a data directory of it: ` +
        "'etcdctl snapshot save FILE' while that etcd runs and 'kubelab etcd-lite restore FILE --data-dir NEW …', " +
        `or, once it is stopped, 'kubelab etcd-lite restore ${database} --skip-hash-check --data-dir NEW …'`,
    );
    this.name = 'EtcdDataError';
  }
}

/** Throws before anything of another program's data is touched. */
export async function refuseEtcdData(disk: Disk, dataDir: string): Promise<void> {
  if ((await disk.list(join(dataDir, 'member', 'snap'))).includes('db')) throw new EtcdDataError(dataDir);
}
