/**
 * Cache — the nodes and the pods on them, as the scheduler takes them to be: what the watch told, and what
 * was decided and not yet told (assumed pods). Scheduling a pod runs without a pause, so the cache itself is
 * upstream's snapshot.
 * Invariants
 *   SCHED-2  a pod is on one node at most, and the node's sums include it exactly once
 *   SCHED-3  an assumed pod holds its place until the watch shows it bound or deleted, or the binding is
 *            known to have failed
 */
import { assert } from '@kubelab/component-base';
import { type AnyNode, NodeInfo } from './node-info.ts';
import { type AnyPod, type PodInfo, podInfoOf } from './pod-info.ts';

interface Placed {
  readonly info: PodInfo;
  readonly nodeName: string;
  readonly isAssumed: boolean;
}

export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placed = new Map<string, Placed>();
  #known: readonly NodeInfo[] | undefined;

  /** Nodes whose Node object is known. */
  nodes(): readonly NodeInfo[] {
    return (this.#known ??= [...this.#nodes.values()].filter(({ isKnown }) => isKnown));
  }
  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.isKnown === true ? info : undefined;
  }
  hasPod(key: string): boolean {
    return this.#placed.has(key);
  }
  isAssumed(key: string): boolean {
    return this.#placed.get(key)?.isAssumed === true;
  }
  get podCount(): number {
    return this.#placed.size;
  }

  setNode(node: AnyNode): void {
    this.#nodeInfo(node.metadata.name).setNode(node);
    this.#known = undefined;
  }
  removeNode(name: string): void {
    this.#nodes.get(name)?.setNode(undefined);
    this.#dropIfEmpty(name);
    this.#known = undefined;
  }

  /** The watch shows the pod on a node: wins over whatever was assumed. */
  setPod(pod: AnyPod): void {
    const info = podInfoOf(pod);
    this.#place(info, pod.spec.nodeName ?? '', false);
  }
  removePod(key: string): void {
    const placed = this.#placed.get(key);
    if (placed === undefined) return;
    this.#placed.delete(key);
    this.#nodes.get(placed.nodeName)?.removePod(key);
    this.#dropIfEmpty(placed.nodeName);
  }

  assume(info: PodInfo, nodeName: string): void {
    assert(!this.#placed.has(info.key), 'SCHED-2', `${info.key} has a place already`);
    this.#place(info, nodeName, true);
  }
  /** The binding failed. Nothing happens when the watch has told otherwise meanwhile: SCHED-3. */
  forget(key: string, uid: string): void {
    const placed = this.#placed.get(key);
    if (placed?.isAssumed === true && placed.info.pod.metadata.uid === uid) this.removePod(key);
  }

  #place(info: PodInfo, nodeName: string, isAssumed: boolean): void {
    this.removePod(info.key);
    this.#placed.set(info.key, { info, nodeName, isAssumed });
    this.#nodeInfo(nodeName).addPod(info);
  }

  #nodeInfo(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) this.#nodes.set(name, (info = new NodeInfo(name)));
    return info;
  }
  #dropIfEmpty(name: string): void {
    const info = this.#nodes.get(name);
    if (info !== undefined && !info.isKnown && info.podCount === 0) this.#nodes.delete(name);
  }
}
