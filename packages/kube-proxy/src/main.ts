import { readFile } from 'node:fs/promises';
import { createClient, createInformerFactory, loadKubeconfig } from '@kubelab/client';
import { type FlagSpecs, runComponent, UsageError } from '@kubelab/component-base';
import { applyScript, forgetUdp } from './nft.ts';
import { Proxy } from './proxy.ts';

const flags = {
  kubeconfig: { type: 'string', required: true, description: 'file with the identity to use' },
  master: { type: 'list', description: "URLs of the API servers, in place of the kubeconfig's" },
  'hostname-override': { type: 'string', required: true, description: 'name of this node' },
  'node-ip': { type: 'string', description: 'address of this node' },
  'proxy-mode': {
    type: 'string',
    default: 'nftables',
    description: 'how Services are turned into rules: nftables',
  },
  'cluster-cidr': { type: 'string', default: '10.244.0.0/16', description: 'range of pod addresses' },
  'service-cluster-ip-range': { type: 'string', default: '10.96.0.0/16', description: 'range of ClusterIPs' },
} as const satisfies FlagSpecs;

export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'kube-proxy',
      summary: 'Turns Services and EndpointSlices into packet rules of this node.',
      flags,
      async start({ flags, log, clock, random, signal, onStop }) {
        if (flags['proxy-mode'] !== 'nftables')
          throw new UsageError(`--proxy-mode=${flags['proxy-mode']} is not served, only nftables`);
        // 1. The API server.
        const config = await loadKubeconfig(flags.kubeconfig, {
          servers: flags.master,
          userAgent: 'kube-proxy',
        });
        const deps = { clock, log, random };
        const client = createClient(config, deps);
        onStop(() => client.close());
        // 2. Caches of Services and EndpointSlices.
        const informers = createInformerFactory(client, deps);
        const proxy = new Proxy({
          informers,
          settings: {
            clusterCidr: flags['cluster-cidr'],
            serviceCidr: flags['service-cluster-ip-range'],
            bridgeBypass: !(await bridgeIsSeen()),
          },
          nodeName: flags['hostname-override'],
          clock,
          log,
          apply: applyScript,
          forgetUdp,
        });
        informers.start(signal);
        await informers.waitForSync(signal);
        // 3. Rules, kept in step from now on.
        await proxy.start();
        onStop(() => proxy.stop());
        log.info('proxying', { mode: flags['proxy-mode'] });
      },
    },
    argv,
  );
}

/** Whether frames between two pods on this node's bridge pass through netfilter. */
async function bridgeIsSeen(): Promise<boolean> {
  const setting = await readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').catch(() => '0');
  return setting.trim() === '1';
}

if (import.meta.main) await main(process.argv.slice(2));
