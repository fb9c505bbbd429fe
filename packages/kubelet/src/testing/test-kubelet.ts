import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewObject, Pod } from '@kubelab/api';
import { createEventRecorder, createInformerFactory } from '@kubelab/client';
import { FakeKubeClient } from '@kubelab/client/testing';
import { type Clock, type Logger, realClock, seededRandom, silentLogger } from '@kubelab/component-base';
import type { ImageSource } from '../images/image-sources.ts';
import { createKubelet, type Kubelet } from '../kubelet.ts';
import { PodCidrFile } from '../node/pod-cidr.ts';
import { HollowRuntime } from '../runtime/hollow/hollow-runtime.ts';
import type { Runtime } from '../runtime/types.ts';

export interface TestKubelet {
  readonly client: FakeKubeClient;
  readonly kubelet: Kubelet;
  readonly runtime: Runtime;
  readonly rootDir: string;
  stop(): Promise<void>;
}

export interface TestKubeletOptions {
  readonly client?: FakeKubeClient;
  readonly runtime?: Runtime;
  readonly rootDir?: string;
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly imageSources?: readonly ImageSource[];
  readonly podCidr?: string | undefined;
  readonly capacity?: Readonly<Record<string, string>>;
}

export const NODE_NAME = 'node-1';

/** A whole kubelet against an API in memory; hollow unless a runtime is given. */
export async function startTestKubelet(options: TestKubeletOptions = {}): Promise<TestKubelet> {
  const clock = options.clock ?? realClock;
  const log = options.log ?? silentLogger;
  const random = seededRandom(7);
  const client = options.client ?? new FakeKubeClient({ clock, gracefulPods: true });
  const rootDir = options.rootDir ?? (await mkdtemp(join(tmpdir(), 'kubelet-test-')));
  const podCidr = new PodCidrFile(undefined);
  if (!('podCidr' in options)) await podCidr.set('10.244.1.0/24');
  else if (options.podCidr !== undefined) await podCidr.set(options.podCidr);
  const runtime = options.runtime ?? new HollowRuntime({ clock, podCidr: () => podCidr.cidr });
  const stopper = new AbortController();
  const kubelet = createKubelet({
    client,
    informers: createInformerFactory(client, { clock, log, random }),
    events: createEventRecorder(client, { component: 'kubelet', host: NODE_NAME, clock, random, log }),
    clock,
    log,
    runtime,
    imageSources: options.imageSources ?? [],
    podCidr,
    system: {
      machineId: 'm',
      systemUuid: 's',
      bootId: 'b',
      kernelVersion: '6.1.0',
      osImage: 'Test',
      os: 'linux',
      arch: 'amd64',
    },
    nodeName: NODE_NAME,
    nodeIp: '192.0.2.1',
    port: 10250,
    rootDir,
    ownPaths: [],
    labels: {},
    capacity: options.capacity ?? { cpu: '4', memory: '4Gi', pods: '110' },
    kubeletVersion: 'v1.35.0',
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    clusterCidr: '10.244.0.0/16',
    leaseDurationMs: 4_000,
    statusUpdateMs: 10_000,
    manageNetwork: false,
    serializeImagePulls: true,
    maxParallelStarts: 3,
  });
  const running = kubelet.run(stopper.signal).catch((error: unknown) => {
    if (!stopper.signal.aborted) throw error;
  });
  return {
    client,
    kubelet,
    runtime,
    rootDir,
    async stop() {
      stopper.abort(new Error('test over'));
      await running;
      if (options.rootDir === undefined) await rm(rootDir, { recursive: true, force: true });
    },
  };
}

type PodSpec = NewObject<Pod>['spec'];

/** A pod of this node with one container, as the API would have defaulted it. */
export function testPod(
  name: string,
  spec: Partial<PodSpec> = {},
  container: Partial<PodSpec['containers'][0]> = {},
): NewObject<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: NODE_NAME,
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 1,
      serviceAccountName: 'default',
      containers: [{ name: 'web', image: 'busybox:test', imagePullPolicy: 'IfNotPresent', ...container }],
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}
