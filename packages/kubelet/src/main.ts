import { hostname } from 'node:os';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createClient, createEventRecorder, createInformerFactory, loadKubeconfig } from '@kubelab/client';
import { type ComponentContext, type Flags, runComponent } from '@kubelab/component-base';
import { parseCapacity } from './core/node-status.ts';
import { kubeletFlags } from './flags.ts';
import { folderSource, type ImageSource, serverSource } from './images/image-sources.ts';
import { createKubelet } from './kubelet.ts';
import { PodCidrFile } from './node/pod-cidr.ts';
import { machineCapacity, systemInfo } from './node/system-info.ts';
import { createRuntime } from './runtime/create-runtime.ts';
import { Authorizer } from './server/authorizer.ts';
import { startServer } from './server/server.ts';

type KubeletFlags = Flags<typeof kubeletFlags>;

/** Reported as nodeInfo.kubeletVersion: the API version that this kubelet was written for. */
export const KUBELET_VERSION = 'v1.35.0+kubelab';

export async function main(argv: readonly string[]): Promise<void> {
  await runComponent(
    { name: 'kubelet', summary: 'The node agent: turns pods into containers.', flags: kubeletFlags, start },
    argv,
  );
}

async function start({
  flags,
  log,
  clock,
  random,
  signal,
  onStop,
  fatal,
}: ComponentContext<typeof kubeletFlags>) {
  // 1. Who we are, and what the machine is.
  const nodeName = flags['hostname-override'] ?? hostname().toLowerCase();
  const system = await systemInfo();
  const maxPods = flags['max-pods'];
  const capacity = parseCapacity(
    [...flags['node-capacity'], ...(maxPods === undefined ? [] : [`pods=${maxPods}`])],
    machineCapacity(),
  );
  const podCidr = new PodCidrFile(flags['pod-cidr-file']);

  // 2. The API server, and the runtime (which may come up later).
  const userAgent = 'kubelet';
  const config = await loadKubeconfig(flags.kubeconfig, { servers: flags.master, userAgent });
  const client = createClient(config, { clock, log, random });
  onStop(() => client.close());
  const endpoint = flags['container-runtime-endpoint'];
  const runtime = await createRuntime({ endpoint, nodeName, clock, podCidr: () => podCidr.cidr });

  // 3. The kubelet itself.
  const kubelet = createKubelet({
    client,
    informers: createInformerFactory(client, { clock, log, random }),
    events: createEventRecorder(client, { component: 'kubelet', host: nodeName, clock, random, log }),
    clock,
    log,
    runtime,
    imageSources: await imageSources(flags),
    podCidr,
    system,
    nodeName,
    nodeIp: flags['node-ip'],
    port: flags.port,
    rootDir: flags['root-dir'],
    ownPaths: ownPaths(flags),
    labels: Object.fromEntries(flags['node-labels'].map((pair) => pair.split('=', 2) as [string, string])),
    capacity,
    kubeletVersion: KUBELET_VERSION,
    clusterDns: flags['cluster-dns'],
    clusterDomain: flags['cluster-domain'],
    clusterCidr: flags['cluster-cidr'],
    leaseDurationMs: flags['node-lease-duration-seconds'] * 1000,
    statusUpdateMs: flags['node-status-update-frequency'],
    manageNetwork: flags['manage-network'],
    serializeImagePulls: flags['serialize-image-pulls'],
    maxParallelStarts: flags['max-parallel-starts'],
  });

  // 4. The port, then work until the signal.
  const server = await startServer({
    address: flags.address,
    port: flags.port,
    certFile: flags['tls-cert-file'],
    keyFile: flags['tls-private-key-file'],
    clientCaFile: flags['client-ca-file'],
    nodeName,
    runtime,
    authorizer: new Authorizer({ client, clock, nodeName }),
    clock,
    log,
    pods: () => kubelet.pods.pods(),
    find: (namespace, name) => kubelet.pods.find(namespace, name),
  });
  onStop(() => void server.close());
  log.info('kubelet started', { node: nodeName, address: flags.address, port: flags.port });
  kubelet.run(signal).catch((err: unknown) => {
    if (!signal.aborted) fatal('kubelet failed', err);
  });
}

async function imageSources(flags: KubeletFlags): Promise<ImageSource[]> {
  const sources: ImageSource[] = [];
  const endpoint = flags['images-endpoint'];
  if (endpoint !== undefined) {
    const read = (path = '') => readFile(path, 'utf8');
    const [ca, cert, key] = await Promise.all([
      read(flags['images-ca-file']),
      read(flags['images-client-cert']),
      read(flags['images-client-key']),
    ]);
    sources.push(await serverSource({ endpoint, ca, cert, key }));
  }
  const folder = flags['images-dir'];
  if (folder !== undefined) sources.push(folderSource(folder));
  return sources;
}

/** The engine's socket, and every folder that holds state or keys of the node. */
function ownPaths(flags: KubeletFlags): string[] {
  const files = [flags.kubeconfig, flags['tls-private-key-file'], flags['pod-cidr-file'] ?? flags.kubeconfig];
  const endpoint = flags['container-runtime-endpoint'];
  return [
    ...files.map((path) => dirname(path)),
    ...(endpoint.startsWith('unix://') ? [endpoint.slice('unix://'.length)] : []),
  ];
}

if (import.meta.main) await main(process.argv.slice(2));
