import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type KubeClient, loadKubeconfig } from '@kubelab/client';
import { realClock, realRandom, silentLogger } from '@kubelab/component-base';
import type { EtcdClient } from '@kubelab/rpc/client';
import { fromHost, membersOf } from '../core/plan.ts';
import type { DriverLab } from '../drivers/driver.ts';

/** The API as the lab's administrator. */
export async function adminClient({ folder }: DriverLab): Promise<KubeClient> {
  const config = await loadKubeconfig(folder.kubeconfig, { userAgent: 'kubelab' });
  return createClient(config, { clock: realClock, random: realRandom, log: silentLogger });
}

/** The store as its administrator. */
export async function storeClient({ folder, plan }: DriverLab): Promise<EtcdClient> {
  const read = (file: string) => readFile(join(folder.path, 'pki/etcd', file));
  const [{ EtcdClient }, ca, cert, key] = await Promise.all([
    import('@kubelab/rpc/client'),
    read('ca.crt'),
    read('admin.crt'),
    read('admin.key'),
  ]);
  const endpoints = membersOf(plan, 'etcd').map((etcd) => `https://${fromHost(plan, etcd, 'client')}`);
  return new EtcdClient({ endpoints, tls: { ca, cert, key }, log: silentLogger, clock: realClock });
}
