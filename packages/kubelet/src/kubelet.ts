/** Puts the kubelet together from its parts. Nothing here talks to the outside before `run`. */
import { Node, Pod, resourceAmounts, Service } from '@kubelab/api';
import type { EventRecorder, InformerFactory, KubeClient } from '@kubelab/client';
import type { Clock, Logger } from '@kubelab/component-base';
import { Backoff } from './core/backoff.ts';
import { hostPortsOf } from './core/node-network.ts';
import { Semaphore } from './core/semaphore.ts';
import { serviceEnv } from './core/service-env.ts';
import type { NodeObject, PodObject } from './core/types.ts';
import { ImageManager } from './images/image-manager.ts';
import type { ImageSource } from './images/image-sources.ts';
import { runCommand } from './network/commands.ts';
import { NodeNetwork } from './network/node-network.ts';
import { renewNodeLease } from './node/node-lease.ts';
import { NodeReporter } from './node/node-reporter.ts';
import type { PodCidrFile } from './node/pod-cidr.ts';
import type { SystemInfo } from './core/node-status.ts';
import { fieldContext, type NodeFacts, type PodDeps } from './pods/deps.ts';
import { PodManager } from './pods/pod-manager.ts';
import { runPleg } from './pods/pleg.ts';
import { Prober } from './pods/prober.ts';
import { StatusWriter } from './pods/status-writer.ts';
import type { Runtime } from './runtime/types.ts';
import { hostPathGuard } from './volumes/host-path.ts';
import { ObjectStore } from './volumes/object-store.ts';
import { TokenManager } from './volumes/token-manager.ts';
import { VolumeManager } from './volumes/volume-manager.ts';

export interface KubeletOptions {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly imageSources: readonly ImageSource[];
  readonly podCidr: PodCidrFile;
  readonly system: SystemInfo;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly port: number;
  readonly rootDir: string;
  /** Paths of kubelab's own that no pod may mount. */
  readonly ownPaths: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Readonly<Record<string, string>>;
  readonly kubeletVersion: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly clusterCidr: string;
  readonly leaseDurationMs: number;
  readonly statusUpdateMs: number;
  readonly manageNetwork: boolean;
  readonly serializeImagePulls: boolean;
  readonly maxParallelStarts: number;
}

export interface Kubelet {
  readonly pods: PodManager;
  run(signal: AbortSignal): Promise<void>;
}

const RELIST_MS = 10_000;
const NETWORK_RESYNC_MS = 30_000;

export function createKubelet(options: KubeletOptions): Kubelet {
  const { client, informers, clock, log, runtime, nodeName, nodeIp, podCidr } = options;
  const nodes = informers.of(Node);
  const services = informers.of(Service);
  const mine = informers.filtered(Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  const facts: NodeFacts = {
    nodeName,
    hostIp: nodeIp,
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    allocatable: resourceAmounts(options.capacity),
  };
  let runtimeVersion: string | undefined;

  const event: PodDeps['event'] = (pod, type, reason, message) =>
    options.events.event({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata }, type, reason, message);
  const reporter = new NodeReporter({
    ...options,
    updateMs: options.statusUpdateMs,
    runtimeVersion: () => runtimeVersion,
    podCidr: () => podCidr.cidr,
  });
  const objects = new ObjectStore(client, clock);
  const tokens = new TokenManager(client, clock);
  const prober = new Prober({
    runtime,
    clock,
    log,
    hostIp: nodeIp,
    onChange: (uid) => pods.kick(uid),
    event: (pod, reason, message) => event(pod, 'Warning', reason, message),
  });
  const podAddress = (pod: PodObject) => pod.status?.podIP ?? '';
  const deps: PodDeps = {
    client,
    clock,
    log,
    runtime,
    objects,
    tokens,
    prober,
    facts,
    event,
    images: new ImageManager({
      runtime,
      sources: options.imageSources,
      objects,
      clock,
      log,
      event,
      serializePulls: options.serializeImagePulls,
    }),
    volumes: new VolumeManager({
      rootDir: options.rootDir,
      client,
      guard: hostPathGuard([options.rootDir, ...options.ownPaths]),
      sources: { objects, tokens, fields: (pod) => fieldContext(facts, pod, podAddress(pod)) },
    }),
    statuses: new StatusWriter(client, clock, log),
    backoff: new Backoff(),
    starts: new Semaphore(options.maxParallelStarts),
    node: () => nodes.get(nodeName) ?? reporter.node,
    admitted: () => pods.admitted(),
    serviceEnv: (pod) =>
      serviceEnv(services.list(), pod.metadata.namespace ?? '', pod.spec.enableServiceLinks ?? true),
    onStatus: (pod) => {
      if (hostPortsOf(pod, '0.0.0.0').length > 0) network.kick();
    },
  };
  const pods: PodManager = new PodManager(deps, mine);
  const network = new NodeNetwork({
    nodeName,
    clusterCidr: options.clusterCidr,
    clock,
    log,
    resyncMs: NETWORK_RESYNC_MS,
    run: runCommand,
    podCidr: () => podCidr.cidr,
    nodes: () => nodes.list(),
    hostPorts: () => pods.addresses().flatMap(({ pod, podIp }) => hostPortsOf(pod, podIp)),
  });

  nodes.addHandler({
    onAdd: (node) => onNode(node),
    onUpdate: (_, node) => onNode(node),
    onDelete: () => network.kick(),
  });

  return { pods, run };

  function onNode(node: NodeObject): void {
    network.kick();
    if (node.metadata.name !== nodeName) return;
    reporter.observe(node);
    const cidr = node.spec?.podCIDR;
    if (cidr !== undefined) void takePodCidr(cidr);
  }

  async function takePodCidr(cidr: string): Promise<void> {
    try {
      if (!(await podCidr.set(cidr))) return;
      log.info('pod CIDR is known', { cidr });
      reporter.report();
      network.kick();
      pods.kickAll();
    } catch (err) {
      log.error('pod CIDR not written', { err });
    }
  }

  /** Runs until the signal. */
  async function run(signal: AbortSignal): Promise<void> {
    const pleg = runPleg(
      {
        runtime,
        clock,
        log,
        relistMs: RELIST_MS,
        onUp: (version, listing) => {
          runtimeVersion = version.runtime;
          reporter.report();
          pods.onRuntimeUp(listing);
        },
        onDown: () => {
          runtimeVersion = undefined;
          reporter.report();
          pods.onRuntimeDown();
        },
        onEvent: (runtimeEvent) => pods.onEvent(runtimeEvent),
        onStates: (states) => pods.onStates(states),
      },
      signal,
    );
    await reporter.register(signal);
    const lease = renewNodeLease(
      { client, clock, log, nodeName, durationMs: options.leaseDurationMs, node: () => reporter.node },
      signal,
    );
    const reporting = reporter.run(signal);
    informers.start(signal);
    await informers.waitForSync(signal);
    pods.onSynced();
    const networking = options.manageNetwork ? network.run(signal) : Promise.resolve();
    await Promise.all([pleg, lease, reporting, networking]);
    pods.stop();
  }
}
