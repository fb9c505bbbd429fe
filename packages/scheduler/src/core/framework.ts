/**
 * The plugin framework: what a rule is. Upstream's words (PreFilter, Filter, Score, PreBind, Bind), with
 * PreFilter and Filter as one function: called once for a pod it works out what concerns the whole cluster,
 * and gives the function that judges one node.
 */
import type {
  DeepReadonly,
  LabelMatcher,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  StorageClass,
} from '@kubelab/api';
import type { NodeInfo } from './node-info.ts';
import type { AnyPod, PodInfo } from './pod-info.ts';

/** Why a node (or, from the first stage, every node) is out. */
export interface Rejection {
  /** Upstream's words, e.g. `Insufficient cpu`: counted and shown in the FailedScheduling event. */
  readonly reasons: readonly string[];
  /** Removing pods from the node would not help. */
  readonly isUnresolvable?: boolean;
}

export type NodeFilter = (node: NodeInfo) => Rejection | undefined;

export interface FilterPlugin {
  readonly name: string;
  /**
   * What may make a pod that this plugin rejected fit: nothing else wakes it before the five-minute flush.
   */
  readonly wakesOn: readonly ClusterEvent[];
  /**
   * A function to judge nodes by; a rejection of all; or undefined when the pod asks nothing of this rule.
   */
  filter(pod: PodInfo, cluster: ClusterView): NodeFilter | Rejection | undefined;
}

export interface NodeScorer {
  score(node: NodeInfo): number;
  /** Raw scores, in the order of the nodes, to 0 … 100. */
  normalize?(scores: readonly number[]): number[];
}

export interface ScorePlugin {
  readonly name: string;
  /** Undefined when the pod gives this rule nothing to prefer. `nodes` are those that passed the filters. */
  score(pod: PodInfo, cluster: ClusterView, nodes: readonly NodeInfo[]): NodeScorer | undefined;
}

export const SCORE_MAX = 100;

/** Something in the cluster changed: upstream's ClusterEvent. */
export type ClusterEvent =
  | 'NodeAdd'
  | 'NodeLabel'
  | 'NodeTaint'
  | 'NodeAllocatable'
  | 'AssignedPodAdd'
  | 'AssignedPodUpdate'
  | 'AssignedPodDelete'
  | 'Volume'
  | 'Namespace';

/**
 * What rules may look at. The scheduling of one pod runs without a pause, so nothing in it changes
 * meanwhile.
 */
export interface ClusterView {
  readonly nodes: readonly NodeInfo[];
  readonly objects: ClusterObjects;
}

/** Objects beside nodes and pods, from the informers' caches. */
export interface ClusterObjects {
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  namespaces(): readonly DeepReadonly<Namespace>[];
  /**
   * Selectors of the services and controllers the pod belongs to, as one: what spreading by default counts.
   */
  ownerSelector(pod: AnyPod): LabelMatcher | undefined;
  disruptionBudgets(namespace: string): readonly DeepReadonly<PodDisruptionBudget>[];
  volumeClaim(namespace: string, name: string): DeepReadonly<PersistentVolumeClaim> | undefined;
  volume(name: string): DeepReadonly<PersistentVolume> | undefined;
  volumes(): readonly DeepReadonly<PersistentVolume>[];
  storageClass(name: string): DeepReadonly<StorageClass> | undefined;
}

/** Reserve and Bind: what is done once a node was chosen. A throw undoes the choice. */
export interface PreBindPlugin {
  readonly name: string;
  preBind(pod: AnyPod, nodeName: string, signal: AbortSignal): Promise<void>;
}
export interface BindPlugin {
  readonly name: string;
  bind(pod: AnyPod, nodeName: string): Promise<void>;
}

/** One scheduler name and its rules, in order. */
export interface Profile {
  readonly schedulerName: string;
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly { readonly plugin: ScorePlugin; readonly weight: number }[];
  readonly canPreempt: boolean;
}
