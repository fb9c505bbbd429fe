/** Nodes and pods of tests, in few words. */
import type { NewObject, Node, Pod } from '@kubelab/api';
import type { ClusterObjects, ClusterView } from '../core/framework.ts';
import { NodeInfo } from '../core/node-info.ts';
import { type PodInfo, podInfoOf } from '../core/pod-info.ts';

export interface NodeWords {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: NonNullable<Node['spec']>;
  readonly images?: Record<string, number>;
  readonly extra?: Record<string, string>;
}

export function newNode(name: string, words: NodeWords = {}): NewObject<Node> {
  const { cpu = '4', memory = '8Gi', pods = '110', labels, spec = {}, images = {}, extra } = words;
  const allocatable = { cpu, memory, pods, 'ephemeral-storage': '100Gi', ...extra };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: {
      allocatable,
      capacity: allocatable,
      images: Object.entries(images).map(([image, sizeBytes]) => ({ names: [image], sizeBytes })),
    },
  };
}

export interface PodWords {
  readonly cpu?: string;
  readonly memory?: string;
  readonly requests?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly image?: string;
  readonly hostPort?: number;
  readonly metadata?: Partial<Pod['metadata']>;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: NonNullable<Pod['status']>;
}

export function newPod(name: string, words: PodWords = {}): NewObject<Pod> {
  const {
    cpu,
    memory,
    labels,
    namespace = 'default',
    image = 'app:1',
    hostPort,
    metadata,
    spec,
    status = {},
  } = words;
  const requests = {
    ...words.requests,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
  const ports = hostPort === undefined ? [] : [{ containerPort: 80, hostPort }];
  return {
    metadata: { name, namespace, ...(labels === undefined ? {} : { labels }), ...metadata },
    spec: {
      containers: [{ name: 'c', image, resources: { requests }, ports }],
      schedulerName: 'default-scheduler',
      ...spec,
    },
    status: { phase: 'Pending', ...status },
  };
}

export function node(name: string, words: NodeWords = {}): Node {
  const made = newNode(name, words);
  return complete(made, `uid-${name}`) as Node;
}

export function pod(name: string, words: PodWords = {}): PodInfo {
  const made = newPod(name, words);
  return podInfoOf(complete(made, `uid-${name}`) as Pod);
}

function complete(object: { metadata: object }, uid: string): unknown {
  return {
    ...object,
    metadata: { uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...object.metadata },
  };
}

/** A cluster: each node with the pods on it. */
export function clusterOf(
  nodes: readonly (readonly [Node, ...PodInfo[]])[],
  objects: Partial<ClusterObjects> = {},
): ClusterView {
  return {
    nodes: nodes.map(([each, ...pods]) => {
      const info = new NodeInfo(each.metadata.name);
      info.setNode(each);
      for (const placed of pods) info.addPod(placed);
      return info;
    }),
    objects: { ...NO_OBJECTS, ...objects },
  };
}

const NO_OBJECTS: ClusterObjects = {
  namespaceLabels: () => undefined,
  namespaces: () => [],
  ownerSelector: () => undefined,
  disruptionBudgets: () => [],
  volumeClaim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
};
