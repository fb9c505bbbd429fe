import { createClient, createInformerFactory, loadKubeconfig } from '@kubelab/client';
import { type FlagSpecs, runComponent } from '@kubelab/component-base';
import { DnsServer } from './server.ts';
import { upstreamServers } from './upstream.ts';
import { clusterView } from './view.ts';

const flags = {
  kubeconfig: { type: 'string', required: true, description: 'file with the identity to use' },
  master: { type: 'list', description: "URLs of the API servers, in place of the kubeconfig's" },
  'node-name': { type: 'string', description: 'name of this node, for the log' },
  'node-ip': { type: 'string', required: true, description: 'address to listen on' },
  port: { type: 'number', default: 53, description: 'UDP and TCP port' },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'domain of the cluster' },
  'service-cluster-ip-range': { type: 'string', default: '10.96.0.0/16', description: 'range of ClusterIPs' },
  upstream: { type: 'list', description: 'servers for all other names; default: those of /etc/resolv.conf' },
} as const satisfies FlagSpecs;

/** As CoreDNS answers for the cluster's zone: changes are seen within seconds. */
const TTL_SECONDS = 5;

export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'dns',
      summary: 'Cluster DNS of one node: Services and pods from the API, other names from upstream servers.',
      flags,
      async start({ flags, log, clock, random, signal, onStop }) {
        // 1. Caches of Services, EndpointSlices, Namespaces.
        const config = await loadKubeconfig(flags.kubeconfig, { servers: flags.master, userAgent: 'dns' });
        const deps = { clock, log, random };
        const client = createClient(config, deps);
        onStop(() => client.close());
        const informers = createInformerFactory(client, deps);
        const domain = flags['cluster-domain'].toLowerCase();
        const view = clusterView(informers, domain);
        informers.start(signal);
        await informers.waitForSync(signal);
        // 2. Answers come from the node's own address only once the caches are filled.
        const server = new DnsServer({
          address: flags['node-ip'],
          port: flags.port,
          view,
          respond: { domain, ttl: TTL_SECONDS, reverse: (address) => view.reverse(address) },
          upstream: flags.upstream ?? (await upstreamServers()),
          log,
        });
        await server.start();
        onStop(() => server.stop());
        log.info('answering', { node: flags['node-name'], address: flags['node-ip'], port: server.port });
      },
    },
    argv,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
