/** What the filter and the score of InterPodAffinity share. */
import type { ClusterObjects } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { AffinityTerm, AnyPod } from './pod-info.ts';

export function termMatches(term: AffinityTerm, other: AnyPod, objects: ClusterObjects): boolean {
  const namespace = other.metadata.namespace ?? '';
  const isInNamespace =
    term.namespaces.has(namespace) ||
    term.namespaceSelector.matches(objects.namespaceLabels(namespace) ?? NO_NAMESPACE);
  return isInNamespace && term.selector.matches(other.metadata.labels);
}

/** A namespace not yet in the cache has no labels; a selector of everything matches it still. */
const NO_NAMESPACE = {};

/** Topology key and value → number: `zone=a` as one text. */
export class TopologyCounts {
  readonly #counts = new Map<string, number>();

  add(node: NodeInfo, topologyKey: string, amount: number): void {
    const value = node.labels[topologyKey];
    if (value === undefined) return;
    const pair = `${topologyKey}=${value}`;
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + amount);
  }
  at(node: NodeInfo, topologyKey: string): number {
    const value = node.labels[topologyKey];
    return value === undefined ? 0 : (this.#counts.get(`${topologyKey}=${value}`) ?? 0);
  }
  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }
  /** Pairs with a count that hold on the node. */
  *pairsOn(node: NodeInfo): Generator<number> {
    for (const [pair, count] of this.#counts) {
      const equals = pair.indexOf('=');
      if (node.labels[pair.slice(0, equals)] === pair.slice(equals + 1)) yield count;
    }
  }
}
