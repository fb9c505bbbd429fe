import { isStatus, type KubeObject } from '@kubelab/api';
import { applyDefaults, prepareForCreate, prepareForUpdate, type ServedResource } from '@kubelab/api/server';
import { rfc3339 } from '@kubelab/component-base';
import type { Companions, Objects } from '../registry/objects.ts';

const PARALLEL = 16;

/** Writes the server's own objects past the doors: no user asks for them. */
export class Ensure {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** Some at a time: the store should not drown in them at each start. */
  async each<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
    for (let i = 0; i < items.length; i += PARALLEL)
      await Promise.all(items.slice(i, i + PARALLEL).map((item) => run(item)));
  }

  /**
   * Creates it, or completes what is there: `complete` gives the better object, undefined when nothing is
   * missing.
   */
  async object<T extends KubeObject>(
    resource: ServedResource,
    wanted: T,
    complete: (stored: T, wanted: T) => T | undefined = () => undefined,
    companions?: (object: T) => Companions,
  ): Promise<void> {
    const key = resource.namespaced
      ? `${wanted.metadata.namespace}/${wanted.metadata.name}`
      : wanted.metadata.name;
    if (
      this.#objects.of(resource).get(key) === undefined &&
      (await this.#create(resource, key, wanted, companions))
    )
      return;
    await this.#objects.update(resource, key, (current) => {
      if (current === undefined) return { type: 'none' };
      const stored = current.copy() as T;
      const better = complete(stored, wanted);
      if (better === undefined) return { type: 'none' };
      prepareForUpdate(resource, better, current.copy());
      return { type: 'put', object: better };
    });
  }

  /** False when another server was first. */
  async #create<T extends KubeObject>(
    resource: ServedResource,
    key: string,
    wanted: T,
    companions: ((object: T) => Companions) | undefined,
  ): Promise<boolean> {
    const object = structuredClone(wanted);
    object.metadata.uid = this.#objects.random.uuid();
    object.metadata.creationTimestamp = rfc3339(this.#objects.clock.now());
    applyDefaults(resource, object);
    prepareForCreate(resource, object);
    try {
      await this.#objects.create(resource, key, object, companions?.(object));
      return true;
    } catch (error) {
      if (isStatus(error, 'AlreadyExists')) return false;
      throw error;
    }
  }
}
