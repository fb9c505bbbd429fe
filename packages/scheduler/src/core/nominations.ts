import type { PodInfo } from './pod-info.ts';
import type { Nominations } from './select-node.ts';

/** Pods that made room for themselves by preemption and wait for it: upstream's nominator. */
export class Nominator {
  readonly #nodeOf = new Map<string, string>();
  readonly #byNode = new Map<string, PodInfo[]>();

  all(): Nominations {
    return this.#byNode;
  }
  nominate(info: PodInfo, nodeName: string): void {
    this.drop(info.key);
    this.#nodeOf.set(info.key, nodeName);
    this.#byNode.set(nodeName, [...(this.#byNode.get(nodeName) ?? []), info]);
  }
  drop(key: string): void {
    const nodeName = this.#nodeOf.get(key);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(key);
    const rest = (this.#byNode.get(nodeName) ?? []).filter((info) => info.key !== key);
    if (rest.length === 0) this.#byNode.delete(nodeName);
    else this.#byNode.set(nodeName, rest);
  }
}
