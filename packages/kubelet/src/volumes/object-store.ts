import { ConfigMap, isStatus, type KubeObject, type ResourceType, Secret } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import type { Clock } from '@kubelab/component-base';
import { retryForbidden } from './retry-forbidden.ts';

interface Entry {
  readonly atMs: number;
  readonly object: Promise<ConfigMap | Secret | undefined>;
}

/** Pods that start together ask for the same things: this young is new enough. */
export const FRESH_MS = 1_000;
const ENTRIES_MAX = 500;

/** ConfigMaps and Secrets by name: the kubelet may read those its pods name, and reads no others. */
export class ObjectStore {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** undefined: there is none. */
  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(ConfigMap, namespace, name);
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(Secret, namespace, name);
  }

  #get<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string): Entry['object'] {
    const key = `${type.kind}/${namespace}/${name}`;
    const now = this.#clock.monotonic();
    const known = this.#entries.get(key);
    if (known !== undefined && now - known.atMs < FRESH_MS) return known.object;
    if (this.#entries.size >= ENTRIES_MAX) this.#entries.clear();
    const object = this.#fetch(type, namespace, name);
    this.#entries.set(key, { atMs: now, object });
    object.catch(() => this.#entries.delete(key));
    return object;
  }

  async #fetch<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string) {
    try {
      return await retryForbidden(this.#clock, () => this.#client.get(type, { namespace, name }));
    } catch (error) {
      if (isStatus(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}
