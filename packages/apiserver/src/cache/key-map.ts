import type { ResourceCache } from './resource-cache.ts';

/** `/registry/` */
export const REGISTRY = '/registry/';

interface Prefix {
  readonly prefix: string;
  readonly cache: ResourceCache;
}

/** Finds the cache a store key belongs to: `/registry/pods/default/web` → pods, `default/web`. */
export class KeyMap {
  /**
   * By the first segment after `/registry/`: `services` has two (`services/specs/`, `services/endpoints/`).
   */
  readonly #bySegment = new Map<string, Prefix[]>();

  add(prefix: string, cache: ResourceCache): void {
    const segment = firstSegment(prefix);
    const list = this.#bySegment.get(segment) ?? [];
    list.push({ prefix, cache });
    list.sort((a, b) => b.prefix.length - a.prefix.length);
    this.#bySegment.set(segment, list);
  }

  find(storeKey: string): { readonly cache: ResourceCache; readonly key: string } | undefined {
    for (const { prefix, cache } of this.#bySegment.get(firstSegment(storeKey)) ?? []) {
      if (storeKey.startsWith(prefix)) return { cache, key: storeKey.slice(prefix.length) };
    }
    return undefined;
  }
}

function firstSegment(storeKey: string): string {
  const end = storeKey.indexOf('/', REGISTRY.length);
  return end < 0 ? storeKey.slice(REGISTRY.length) : storeKey.slice(REGISTRY.length, end);
}
