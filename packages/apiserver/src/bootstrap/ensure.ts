import type { KubeObject } from '@kubelab/api';
import { applyDefaults, prepareForCreate, prepareForUpdate, type ServedResource } from '@kubelab/api/server';
import { rfc3339 } from '@kubelab/component-base';
import type { Companions, Objects } from '../registry/objects.ts';

/** The store takes 128 operations in one transaction. */
const TXN_OBJECTS_MAX = 60;

/** An object that must be there, and what makes it complete when it is: undefined when nothing is missing. */
export interface Wanted<T extends KubeObject = KubeObject> {
  readonly resource: ServedResource;
  readonly object: T;
  readonly complete?: ((stored: T, wanted: T) => T | undefined) | undefined;
}

/** Keeps `T` between an object and its `complete`, which a list of different kinds cannot. */
export function wanted<T extends KubeObject>(
  resource: ServedResource,
  object: T,
  complete?: (stored: T, wanted: T) => T | undefined,
): Wanted {
  // What is stored under the object's key is of the object's kind.
  return { resource, object, complete } as unknown as Wanted;
}

/** Writes the server's own objects past the doors: no user asks for them. */
export class Ensure {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** Makes what is missing, many in one transaction, and completes the rest. Other servers may be doing the same. */
  async all(list: readonly Wanted[]): Promise<void> {
    for (;;) {
      const missing = list.filter((one) => this.#find(one) === undefined);
      if (missing.length === 0) break;
      for (let i = 0; i < missing.length; i += TXN_OBJECTS_MAX) {
        const batch = missing.slice(i, i + TXN_OBJECTS_MAX);
        const items = batch.map((one) => ({ ...one, key: keyOf(one), object: this.#fresh(one) }));
        // Somebody else has made one of them: look again what is still missing.
        if (!(await this.#objects.createAll(items))) break;
      }
      await this.#objects.upToDate();
    }
    for (const one of list) await this.#complete(one);
  }

  /** Makes one object together with what it claims; does nothing when it is there. Throws AlreadyExists, ClaimTakenError. */
  async make<T extends KubeObject>(
    resource: ServedResource,
    object: T,
    companions: (object: T) => Companions,
  ): Promise<void> {
    const one = { resource, object };
    if (this.#find(one) !== undefined) return;
    const fresh = this.#fresh(one);
    await this.#objects.create(resource, keyOf(one), fresh, companions(fresh));
  }

  #find(one: Wanted): KubeObject | undefined {
    return this.#objects.of(one.resource).get(keyOf(one))?.object;
  }

  async #complete(one: Wanted): Promise<void> {
    const { resource, object, complete } = one;
    const known = this.#find(one);
    if (complete === undefined || known === undefined || complete(known, object) === undefined) return;
    await this.#objects.update(resource, keyOf(one), (current) => {
      const better = current && complete(current.copy(), object);
      if (better === undefined || current === undefined) return { type: 'none' };
      prepareForUpdate(resource, better, current.copy());
      return { type: 'put', object: better };
    });
  }

  #fresh<T extends KubeObject>({
    resource,
    object,
  }: {
    readonly resource: ServedResource;
    readonly object: T;
  }): T {
    const fresh = structuredClone(object);
    fresh.metadata.uid = this.#objects.random.uuid();
    fresh.metadata.creationTimestamp = rfc3339(this.#objects.clock.now());
    applyDefaults(resource, fresh);
    prepareForCreate(resource, fresh);
    return fresh;
  }
}

function keyOf({
  resource,
  object,
}: {
  readonly resource: ServedResource;
  readonly object: KubeObject;
}): string {
  const { name, namespace } = object.metadata;
  return resource.namespaced ? `${namespace}/${name}` : name;
}
