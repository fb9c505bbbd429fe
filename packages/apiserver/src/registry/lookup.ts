import type { KubeObject, ResourceType } from '@kubelab/api';
import { findResource, type ServedResource } from '@kubelab/api/server';
import { must } from '@kubelab/component-base';
import type { ResourceCache } from '../cache/resource-cache.ts';
import type { Objects } from './objects.ts';

/**
 * Reads of the server itself: admission, authorizers, allocators. From the cache; `fresh` where a mistake
 * would be a wrong refusal.
 */
export class Lookup {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  cache(type: Pick<ResourceType, 'group' | 'version' | 'resource'>): ResourceCache {
    return this.#objects.of(served(type));
  }

  /** Read-only; undefined when the cache has none. */
  get<T extends KubeObject>(type: ResourceType<T>, key: string): T | undefined {
    // The resource's objects are of the type that names it.
    return this.cache(type).get(key)?.object as T | undefined;
  }

  list<T extends KubeObject>(type: ResourceType<T>, namespace = ''): T[] {
    const prefix = namespace === '' ? '' : `${namespace}/`;
    return this.cache(type)
      .list(prefix)
      .map((entry) => entry.object as T);
  }

  /** As of now: asks the store how far it is before it says that something is not there, or is not good. */
  async fresh<T extends KubeObject>(
    type: ResourceType<T>,
    key: string,
    isGood: (object: T) => boolean = () => true,
  ): Promise<T | undefined> {
    const known = this.get(type, key);
    if (known !== undefined && isGood(known)) return known;
    await this.#objects.upToDate();
    const found = this.get(type, key);
    return found !== undefined && isGood(found) ? found : undefined;
  }
}

export function served(type: Pick<ResourceType, 'group' | 'version' | 'resource'>): ServedResource {
  return must(findResource(type.group, type.version, type.resource), type.resource);
}
