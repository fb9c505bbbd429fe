import { type DeepReadonly, type Node, resourceAmounts, type ResourceAmounts } from '@kubelab/api';
import { assert } from '@kubelab/component-base';
import type { PodInfo } from './pod-info.ts';

export type AnyNode = DeepReadonly<Node>;

/**
 * One node with the pods on it (bound, or assumed to be) and the sums over them.
 * Invariant
 *   SCHED-2  requested is always the sum over pods
 */
export class NodeInfo {
  readonly name: string;
  #node: AnyNode | undefined;
  #allocatable: ResourceAmounts = {};
  #imageBytes: ReadonlyMap<string, number> = new Map();
  readonly #pods = new Map<string, PodInfo>();
  readonly #requested: ResourceAmounts = {};
  readonly #nonZero = { cpu: 0, memory: 0 };

  constructor(name: string) {
    this.name = name;
  }

  /** Pods may be known before their node is. */
  get isKnown(): boolean {
    return this.#node !== undefined;
  }
  get node(): AnyNode {
    assert(this.#node !== undefined, 'SCHED-2', `node ${this.name} is not known`);
    return this.#node;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#node?.metadata.labels ?? {};
  }
  get allocatable(): Readonly<ResourceAmounts> {
    return this.#allocatable;
  }
  get requested(): Readonly<ResourceAmounts> {
    return this.#requested;
  }
  get nonZeroRequested(): { readonly cpu: number; readonly memory: number } {
    return this.#nonZero;
  }
  /** Image name (each of its names) → bytes. */
  get imageBytes(): ReadonlyMap<string, number> {
    return this.#imageBytes;
  }
  get podCount(): number {
    return this.#pods.size;
  }
  pods(): MapIterator<PodInfo> {
    return this.#pods.values();
  }

  setNode(node: AnyNode | undefined): void {
    this.#node = node;
    this.#allocatable = resourceAmounts(node?.status?.allocatable ?? node?.status?.capacity);
    const images = node?.status?.images ?? [];
    this.#imageBytes = new Map(
      images.flatMap(({ names, sizeBytes }) => (names ?? []).map((name) => [name, sizeBytes ?? 0])),
    );
  }

  addPod(info: PodInfo): void {
    assert(!this.#pods.has(info.key), 'SCHED-2', `${info.key} is on ${this.name} already`);
    this.#pods.set(info.key, info);
    this.#count(info, 1);
  }
  removePod(key: string): void {
    const info = this.#pods.get(key);
    if (info === undefined) return;
    this.#pods.delete(key);
    this.#count(info, -1);
  }

  /** A copy to try things on. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.setNode(this.#node);
    for (const info of this.#pods.values()) copy.addPod(info);
    return copy;
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    for (const [name, amount] of Object.entries(info.requests)) {
      this.#requested[name] = (this.#requested[name] ?? 0) + sign * amount;
    }
    this.#nonZero.cpu += sign * info.nonZero.cpu;
    this.#nonZero.memory += sign * info.nonZero.memory;
  }
}
