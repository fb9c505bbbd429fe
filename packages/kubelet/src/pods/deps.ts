import type { KubeClient } from '@kubelab/client';
import type { Clock, Logger } from '@kubelab/component-base';
import type { Backoff } from '../core/backoff.ts';
import type { FieldContext } from '../core/field-ref.ts';
import type { Semaphore } from '../core/semaphore.ts';
import type { NodeObject, PodObject, PodStatus } from '../core/types.ts';
import type { ImageManager } from '../images/image-manager.ts';
import type { Runtime } from '../runtime/types.ts';
import type { ObjectStore } from '../volumes/object-store.ts';
import type { TokenManager } from '../volumes/token-manager.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import type { Prober } from './prober.ts';
import type { StatusWriter } from './status-writer.ts';

/** What the node is, for its pods. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** By resource name: cpu in thousandths, the rest in whole units. */
  readonly allocatable: Readonly<Record<string, number>>;
}

/** What every part of the pod machinery is built from. */
export interface PodDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly images: ImageManager;
  readonly volumes: VolumeManager;
  readonly objects: ObjectStore;
  readonly tokens: TokenManager;
  readonly prober: Prober;
  readonly statuses: StatusWriter;
  readonly facts: NodeFacts;
  /** Crash loops, by `uid/container`. */
  readonly backoff: Backoff;
  /** Engine work that costs CPU: a burst of pods must leave room for the node's own life. */
  readonly starts: Semaphore;
  readonly node: () => NodeObject | undefined;
  /** Pods of this node that were let in and have not ended. */
  readonly admitted: () => readonly PodObject[];
  readonly serviceEnv: (pod: PodObject) => Map<string, string>;
  /** A pod's status was worked out: its address may be news to the network. */
  readonly onStatus: (pod: PodObject, status: PodStatus) => void;
  readonly event: (pod: PodObject, type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export function fieldContext(facts: NodeFacts, pod: PodObject, podIp: string): FieldContext {
  return {
    pod,
    podIp,
    hostIp: facts.hostIp,
    allocatable: {
      cpuMillis: facts.allocatable['cpu'] ?? 0,
      memoryBytes: facts.allocatable['memory'] ?? 0,
    },
  };
}

/** `web_default(uid)`, as upstream names a pod in messages. */
export function podText(pod: PodObject): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}
