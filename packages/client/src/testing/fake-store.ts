/**
 * The state of the fake API: objects by resource, one revision counter, the whole history, and who watches.
 * Everything in it is frozen: a test fails where code writes into what it was only lent.
 */
import { errors, type KubeObject, objectKey, type ResourceType } from '@kubelab/api';
import type { ObjectKey } from '../types.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
export interface Change {
  readonly revision: number;
  readonly resource: string;
  readonly type: ChangeType;
  readonly object: KubeObject;
  readonly old: KubeObject | undefined;
}

export function resourceId(type: Pick<ResourceType, 'group' | 'resource'>): string {
  return `${type.resource}.${type.group}`;
}

export class FakeStore {
  revision = 1;
  /** Watches from before this have expired. */
  historyFrom = 0;
  readonly history: Change[] = [];
  readonly #objects = new Map<string, Map<ObjectKey, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();

  of(type: ResourceType): Map<ObjectKey, KubeObject> {
    const id = resourceId(type);
    let objects = this.#objects.get(id);
    if (objects === undefined) this.#objects.set(id, (objects = new Map()));
    return objects;
  }
  get(type: ResourceType, key: ObjectKey): KubeObject {
    const object = this.of(type).get(key);
    if (object === undefined) throw errors.notFound(type, key.split('/').at(-1) ?? key);
    return object;
  }
  resources(): string[] {
    return [...this.#objects.keys()];
  }

  /** Stores the object under the next revision and tells the watchers. */
  put(type: ResourceType, object: KubeObject): KubeObject {
    const key = objectKey(object);
    const old = this.of(type).get(key);
    const stored = this.#stamp(object);
    this.of(type).set(key, stored);
    this.#tell({
      type: old === undefined ? 'ADDED' : 'MODIFIED',
      resource: resourceId(type),
      object: stored,
      old,
    });
    return stored;
  }
  remove(type: ResourceType, key: ObjectKey): KubeObject {
    const old = this.get(type, key);
    this.of(type).delete(key);
    const last = this.#stamp(structuredClone(old));
    this.#tell({ type: 'DELETED', resource: resourceId(type), object: last, old });
    return last;
  }
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamp(object: KubeObject): KubeObject {
    object.metadata.resourceVersion = String(++this.revision);
    return deepFreeze(object);
  }
  #tell(change: Omit<Change, 'revision'>): void {
    const told = { ...change, revision: this.revision };
    this.history.push(told);
    for (const listener of this.#listeners) listener(told);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
